"""The scenes of `make demo`: each runs the real daemon on the sandbox, breaks things, and proves what arrived.

A scene uses what users have: the command line, the control socket, the configuration file. Nothing of the
daemon is imported here.
"""
