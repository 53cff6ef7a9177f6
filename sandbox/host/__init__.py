"""The host side: a web server's logs under traffic with counted ids, and logrotate at work on them.

logs        what a host writes, and reading all of it back, rotations included
web         real Apache with PHP-FPM and their status pages
stand_in    writes the same logs and serves such pages itself, where they are not installed
visits      what is asked for
traffic     visits at a steady rate, each with an id of its own
rotation    logrotate with a private configuration
gallery     a site that takes and serves pictures; stand_in_gallery where Apache or PHP-FPM are not installed
album       people who upload pictures, and people who look at them wherever they are led to
school      a database, and payments while it is backed up
"""

from sandbox.host.album import Album, Uploads, Visitors
from sandbox.host.gallery import Gallery, make_gallery
from sandbox.host.logs import LogFile, written_bytes, written_entries, written_parts
from sandbox.host.rotation import SETTLE_S, Rotation
from sandbox.host.stand_in import StandInHost
from sandbox.host.traffic import Traffic
from sandbox.host.web import RealHost, WebHost, open_host

__all__ = [
    "SETTLE_S",
    "Album",
    "Gallery",
    "LogFile",
    "RealHost",
    "Rotation",
    "StandInHost",
    "Traffic",
    "Uploads",
    "Visitors",
    "WebHost",
    "make_gallery",
    "open_host",
    "written_bytes",
    "written_entries",
    "written_parts",
]
