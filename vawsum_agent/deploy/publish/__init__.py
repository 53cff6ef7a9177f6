"""A release is made: from a folder or a git ref to an artifact in S3, whole, checked and named.

`publish` says in which order; the other modules are its steps. Nothing here is needed on a host that serves.
"""
