"""Releases on this host: fetched, drained for, switched to, proven, guarded, and taken back when they are not well.

`machine` says what comes next, `record` what was done; the other modules are the steps.
"""
