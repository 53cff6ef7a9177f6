r"""The comments of mysqldump and mariadb-dump that say what comes next. Pure.

Names in them are quoted, with a newline shown as ``\n-- `` so that no name can leave its comment.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from vawsum_agent.backup.manifest import BinlogPosition

if TYPE_CHECKING:
    from vawsum_agent.backup.manifest import FrameKind

HEADER = re.compile(
    rb"--\n-- (?:(Current Database: |Sequence structure for |Table structure for table "
    rb"|Temporary (?:table|view) structure for view |Final view structure for view )`((?:[^`]|``)*+)`\n--\n"
    rb"|Dumping (events|routines) for database '[^\n]*\n)"
)
"""Kind and name; or events or routines."""

MAYBE_HEADER = re.compile(rb"--\n-- (?:Current |Sequence |Table |Temporary |Final )")

_KINDS: dict[bytes, FrameKind] = {
    b"Current Database: ": "database",
    b"Sequence structure for ": "sequence",
    b"Table structure for table ": "table",
    b"Temporary table structure for view ": "view",
    b"Temporary view structure for view ": "view",
    b"Final view structure for view ": "views",
    b"events": "events",
    b"routines": "routines",
}

TAIL_COMMENT = b"-- The deferred gtid setting"
TAIL_STATEMENT = b"/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE */"
TRAILER = b"-- Dump completed"

_POSITION = re.compile(
    rb"-- CHANGE (?:MASTER|REPLICATION SOURCE) TO (?:MASTER|SOURCE)_LOG_FILE='([^']*)', "
    rb"(?:MASTER|SOURCE)_LOG_POS=([0-9]+);"
)
_GTID = re.compile(rb"-- SET GLOBAL gtid_slave_pos='([^']*)';")
_SQL_MODE = re.compile(rb"/\*!50003 SET sql_mode +=([^*]*)\*/")


def kind_and_name(header: re.Match[bytes]) -> tuple[FrameKind, str]:
    """Tell what a `HEADER` announces."""
    name = (header[2] or b"").replace(b"``", b"`").replace(b"\n-- ", b"\n")
    return _KINDS[header[1] or header[3]], name.decode(errors="backslashreplace")


def binlog_position(line: bytes) -> BinlogPosition | None:
    """Read the comment that ``--source-data=2`` makes."""
    found = _POSITION.match(line)
    return None if found is None else BinlogPosition(file=found[1].decode(errors="replace"), position=int(found[2]))


def gtid(line: bytes) -> str | None:
    """Read MariaDB's comment of the same."""
    found = _GTID.match(line)
    return None if found is None else found[1].decode(errors="replace")


def sql_mode(statement: bytes) -> bytes | None:
    """Read the mode that a statement sets for what comes; empty where it sets the dump's own back."""
    found = _SQL_MODE.match(statement)
    return None if found is None else found[1]
