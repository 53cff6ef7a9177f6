"""Releases as they come to this host: downloaded, proven by their checksum, unpacked with suspicion, sealed.

`fetch` does it all; `verify` tells later whether a release is still what was unpacked.
"""
