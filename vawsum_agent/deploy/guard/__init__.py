"""Watches this host's own traffic after a release went into service, and says when it has to be taken back.

`judge` decides, from figures alone; `watch` looks until the window is over; `daemon_source` asks the daemon.
"""
