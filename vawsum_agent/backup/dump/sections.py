"""Cuts the stream of a dump into sections, as it comes: one for each table and view, and for what lies between.

Nothing is changed: the sections one after the other are the stream. Blocks may be of any size and end anywhere; what is
kept of one for the next is a line or the begin of a statement, whatever the size of rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from vawsum_agent.backup.dump import headers
from vawsum_agent.backup.dump.headers import HEADER, MAYBE_HEADER
from vawsum_agent.backup.dump.rows import INSERT, LinedRows, PackedRows
from vawsum_agent.backup.dump.statement import Statement

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vawsum_agent.backup.dump.rows import Rows
    from vawsum_agent.backup.manifest import BinlogPosition, FrameKind

_SPACE = b" \t\r\n"
_LONGEST_LIST_BYTES = 4 << 20  # 4096 columns of 64 characters
_TELLING_BYTES = 512


@dataclass(slots=True)
class Section:
    """What lies between two cuts. Grows while it is read.

    Attributes:
        database: in which its statements run; empty for none.
        name: of a table, sequence or view.
        rows: of a table whose data is in the dump; None for others, such as a MERGE table.
        is_complete: what follows it has come; of a table, also ``UNLOCK TABLES``, which ends its data.
    """

    kind: FrameKind
    database: str = ""
    name: str = ""
    rows: int | None = None
    is_complete: bool = False


class Scanner:
    """One dump.

    Attributes:
        binlog: where the snapshot lies; None where the dump does not tell.
        has_trailer: the last line is the client's ``-- Dump completed``.
    """

    def __init__(self) -> None:
        self.binlog: BinlogPosition | None = None
        self.has_trailer = False
        self._section = Section("head")
        self._cut_to: Section | None = None
        self._databases: set[str] = set()
        self._statement = Statement()
        self._rows: Rows = LinedRows()
        self._gtid = ""
        self._rest = b""
        self._is_last = False
        self._look: Callable[[bytes, int], int] = self._between

    def feed(self, block: bytes) -> Iterator[tuple[Section, memoryview]]:
        """Take what comes next; give runs of bytes, each with the section it belongs to: another one begins anew."""
        return self._scan(self._rest + block if self._rest else block, is_last=False)

    def finish(self) -> Iterator[tuple[Section, memoryview]]:
        """Take that nothing comes any more, whether the dump is whole or not."""
        yield from self._scan(self._rest, is_last=True)
        self._section.is_complete = self.has_trailer
        if self.binlog is not None and self._gtid:
            self.binlog = msgspec.structs.replace(self.binlog, gtid=self._gtid)

    def _scan(self, buffer: bytes, *, is_last: bool) -> Iterator[tuple[Section, memoryview]]:
        self._is_last = is_last
        run = at = 0
        view = memoryview(buffer)
        while at < len(buffer):
            look = self._look
            reached = look(buffer, at)
            if self._cut_to is not None:
                if run < at:
                    yield self._section, view[run:at]
                self._section.is_complete |= self._section.kind != "table" or self._section.rows is None
                self._section, self._cut_to, run = self._cut_to, None, at
            if reached == at and self._look == look:
                break  # the rest is wanted again, with more
            at = reached
        end = len(buffer) if is_last else at
        self._rest = buffer[end:]
        if run < end:
            yield self._section, view[run:end]

    def _cut(self, kind: FrameKind, name: str = "") -> None:
        """Begin a section with what is looked at."""
        database = self._section.database
        if kind == "database":
            database, name = name, ""
            kind = "views" if database in self._databases else kind  # it comes again for its views
            self._databases.add(database)
        elif kind == "views":
            if self._section.kind == "views":
                return
            name = ""
        elif kind in {"head", "tail"}:
            database = ""
        self._cut_to = Section(kind, database, name)

    def _between(self, buffer: bytes, at: int) -> int:
        """Look at what stands between statements, or begins one."""
        if buffer[at] in _SPACE:
            return _after_space(buffer, at)
        first = buffer[at : at + _TELLING_BYTES]
        if len(first) < _TELLING_BYTES and b"\n" not in first and not self._is_last:
            return at
        self.has_trailer = False
        is_own = self._statement.delimiter == b";"  # not of a body, which others wrote
        if first.startswith(b"--"):
            return self._comment(buffer, at) if is_own else self._after_line(buffer, at)
        if first.startswith((b"DELIMITER ;\n", b"DELIMITER ;;\n")):
            line = first[: first.index(b"\n")]
            self._statement.delimiter = line.removeprefix(b"DELIMITER ")
            return at + len(line)
        if is_own and first.startswith(b"INSERT INTO `"):
            return self._insert(buffer, at)
        self._tell(first)
        self._look = self._in_statement
        return at

    def _insert(self, buffer: bytes, at: int) -> int:
        """Begin the rows of a table."""
        insert = INSERT.match(buffer, at)
        if insert is not None:
            self._rows = LinedRows() if insert[1] else PackedRows()
            self._look = self._in_rows
            return insert.end()
        if self._is_last or len(buffer) - at > _LONGEST_LIST_BYTES:
            self._look = self._in_statement
        return at

    def _comment(self, buffer: bytes, at: int) -> int:
        """Look at a comment of the dump's own."""
        end = self._after_line(buffer, at)
        if end == at + 3 and not self._is_last:  # an empty one: the next line may tell
            if self._after_line(buffer, end) == end:
                return at
            header = HEADER.match(buffer, at)
            if header is not None:
                self._cut(*headers.kind_and_name(header))
                return header.end()
            if MAYBE_HEADER.match(buffer, at):
                return at
        line = buffer[at:end]
        if self._section.kind == "head":
            self.binlog = headers.binlog_position(line) or self.binlog
        elif self._section.kind == "tail":
            self._gtid = headers.gtid(line) or self._gtid
            self.has_trailer = line.startswith(headers.TRAILER) and line.endswith(b"\n")
        if line.startswith(headers.TAIL_COMMENT):
            self._cut("tail")
        return end

    def _after_line(self, buffer: bytes, at: int) -> int:
        """Where the next line begins; ``at`` when this one is not whole."""
        newline = buffer.find(b"\n", at)
        if newline >= 0:
            return newline + 1
        return len(buffer) if self._is_last else at

    def _tell(self, first: bytes) -> None:
        """Learn from the begin of a statement."""
        mode = headers.sql_mode(first)
        if mode is not None:
            self._statement.sql_mode = mode
        elif self._statement.delimiter != b";":
            return
        elif first.startswith(headers.TAIL_STATEMENT) and self._section.kind != "tail":
            self._cut("tail")
        elif first.startswith(b"LOCK TABLES `"):
            self._section.rows = self._section.rows or 0
        elif first.startswith(b"UNLOCK TABLES;"):
            self._section.is_complete = True

    def _in_statement(self, buffer: bytes, at: int) -> int:
        end, is_over = self._statement.skip(buffer, at, is_last=self._is_last)
        if is_over:
            self._look = self._between
        return end

    def _in_rows(self, buffer: bytes, at: int) -> int:
        end, is_over = self._rows.take(buffer, at)
        if is_over:
            self._section.rows = (self._section.rows or 0) + self._rows.count
            self._look = self._between
        return end


def _after_space(buffer: bytes, at: int) -> int:
    while at < len(buffer) and buffer[at] in _SPACE:
        at += 1
    return at
