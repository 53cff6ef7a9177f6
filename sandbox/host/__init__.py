"""The host side: a web server's logs under traffic with counted ids, and logrotate at work on them.

logs        what a host writes, and reading all of it back, rotations included
web         real Apache with PHP-FPM, or a stand-in that writes the same logs itself
traffic     visits, each with an id of its own
rotation    logrotate with a private configuration
"""

from sandbox.host.logs import LogFile, written_bytes, written_entries, written_parts
from sandbox.host.rotation import SETTLE_S, Rotation
from sandbox.host.traffic import Traffic
from sandbox.host.web import RealHost, StandInHost, WebHost, open_host

__all__ = [
    "SETTLE_S",
    "LogFile",
    "RealHost",
    "Rotation",
    "StandInHost",
    "Traffic",
    "WebHost",
    "open_host",
    "written_bytes",
    "written_entries",
    "written_parts",
]
