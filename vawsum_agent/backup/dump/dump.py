"""Dumps a server into a writer: the client program's stream, scanned, compressed, and never held up for too long."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from vawsum_agent.backup.dump.frames import Frames
from vawsum_agent.backup.dump.options import dump_command
from vawsum_agent.backup.dump.process import DumpProcess
from vawsum_agent.backup.dump.sections import Scanner
from vawsum_agent.core.errors import BackupError
from vawsum_agent.core.text import printable
from vawsum_agent.core.units import format_duration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vawsum_agent.backup.dump.sections import Section
    from vawsum_agent.backup.manifest import BinlogPosition, Frame
    from vawsum_agent.backup.server.facts import Server
    from vawsum_agent.backup.server.programs import Program

_BLOCK_BYTES = 1 << 20
_LOOK_UP_EVERY_S = 1.0
_END_WITHIN_S = 30.0
_LOOKS_PER_TIMEOUT = 6
_STILL_S = 1800.0
"""A dump of which no byte came for so long is given up. A server that sorts a large table, or waits until its tables
may be flushed, is silent for minutes."""

_TRICKLE_BYTES = 4 << 20
"""What is taken though there is no room, so that the server's socket moves: more than socket and pipe hold together."""


class Writer(Protocol):
    """Where a dump goes; `ObjectWriter` is one."""

    def write(self, block: bytes) -> None:
        """Take all of it; raises what ends the dump."""
        ...

    def wait_for_room(self, timeout_s: float) -> bool:
        """Wait until sending keeps up; False when it does not."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DumpRequest:
    """What to dump.

    Attributes:
        server: as it was found; its databases are dumped.
        program: the client that dumps.
        option_file: its ``[client]`` section says where and as whom.
    """

    server: Server
    program: Program
    option_file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dumped:
    """What came of it. Whole is only what `is_whole` says.

    Attributes:
        frames: as the manifest wants them.
        raw_bytes, size_bytes: before and after compression.
        has_trailer: the client's last line is there.
        exit_code: of the client; minus the number of the signal that killed it.
        last_words: what it said on stderr, the end of it, printable.
        cut_off: tables whose data did not end, database and name.
        is_cancelled: it was ended because that was asked for.
    """

    frames: list[Frame] = field(default_factory=list)
    raw_bytes: int = 0
    size_bytes: int = 0
    binlog: BinlogPosition | None = None
    has_trailer: bool = False
    exit_code: int = 0
    last_words: str = ""
    cut_off: list[tuple[str, str]] = field(default_factory=list)
    is_cancelled: bool = False

    @property
    def is_whole(self) -> bool:
        """The client succeeded, and everything that proves it is in the stream."""
        return self.exit_code == 0 and self.has_trailer and not self.cut_off and not self.is_cancelled


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a dump is: bytes of SQL, and the table at hand."""

    raw_bytes: int
    database: str
    table: str


def dump(
    request: DumpRequest,
    writer: Writer,
    *,
    on_progress: Callable[[Progress], None] = lambda _: None,
    is_cancelled: Callable[[], bool] = lambda: False,
    monotonic: Callable[[], float] = time.monotonic,
    still_s: float = _STILL_S,
) -> Dumped:
    """Dump. May be repeated, with another writer.

    Args:
        request: what.
        writer: where to. It is neither finished nor aborted here.
        on_progress: called about once a second, from this thread.
        is_cancelled: asked about as often; True ends the client and the dump.
        monotonic: seconds, for the above.
        still_s: without a byte from the client for so long, it is ended.

    Raises:
        BackupError: the client can't be started, or stood still.
        AgentError: of the writer; the client is ended then.
    """
    server = request.server
    databases = [database.name for database in server.databases]
    command = dump_command(request.program, request.option_file, databases, is_binlog_on=server.is_binlog_on)
    pump = _Pump(writer, Frames(writer.write, server.by_name()), on_progress, is_cancelled, monotonic)
    with DumpProcess(command) as process:
        heard_at = monotonic()
        while (block := process.read(_BLOCK_BYTES, _LOOK_UP_EVERY_S)) != b"" and not pump.is_cancelled():
            if block is not None:
                pump.take(block)
                pump.wait_for_room(server.net_write_timeout_s / _LOOKS_PER_TIMEOUT)
                # Not before: what held us up is no silence of the client.
                heard_at = monotonic()
            elif monotonic() - heard_at >= still_s:
                raise pump.still(still_s)
            pump.tell()
        pump.finish()
        # One that has closed its output has nothing left to do.
        exit_code = process.end() if pump.is_cancelled() else process.wait(_END_WITHIN_S)
        return pump.result(exit_code, process.last_words())


class _Pump:
    """From blocks of SQL to the writer."""

    def __init__(
        self,
        writer: Writer,
        frames: Frames,
        on_progress: Callable[[Progress], None],
        is_cancelled: Callable[[], bool],
        monotonic: Callable[[], float],
    ) -> None:
        self._writer = writer
        self._frames = frames
        self._scanner = Scanner()
        self._on_progress = on_progress
        self._is_cancelled = is_cancelled
        self._monotonic = monotonic
        self._told_at = monotonic()
        self._may_exceed_bytes = 0
        self._cut_off: list[tuple[str, str]] = []

    def is_cancelled(self) -> bool:
        """Ask; once cancelled, it stays so."""
        if self._is_cancelled():
            self._is_cancelled = lambda: True
        return self._is_cancelled()

    def take(self, block: bytes) -> None:
        self._put(self._scanner.feed(block))
        self._may_exceed_bytes -= len(block)

    def wait_for_room(self, patience_s: float) -> None:
        """Wait until sending keeps up, but no longer than the server bears it: then some is taken all the same."""
        if self._may_exceed_bytes > 0:
            return
        left_s = patience_s
        while not self._writer.wait_for_room(min(left_s, _LOOK_UP_EVERY_S)):
            left_s -= _LOOK_UP_EVERY_S
            if left_s <= 0 or self.is_cancelled():
                self._may_exceed_bytes = _TRICKLE_BYTES
                return
            self.tell()

    def tell(self) -> None:
        now = self._monotonic()
        if now - self._told_at >= _LOOK_UP_EVERY_S:
            self._told_at = now
            section = self._frames.section
            database, table = (section.database, section.name) if section is not None else ("", "")
            self._on_progress(Progress(self._frames.raw_bytes, database, table))

    def still(self, for_s: float) -> BackupError:
        section = self._frames.section
        # What the client waits for is told by nobody; it writes in the order of the dump.
        at = ".".join(filter(None, (section.database, section.name))) if section is not None else ""
        where = f"at {printable(at)}, or at what comes after it" if at else "at its beginning"
        message = f"the dump stood still {where}: no byte came for {format_duration(for_s)}"
        return BackupError(message, hint="SHOW PROCESSLIST tells what it waits for, such as a lock or an ALTER TABLE")

    def finish(self) -> None:
        self._put(self._scanner.finish())
        self._close(self._frames.section)
        self._frames.end()

    def result(self, exit_code: int, last_words: str) -> Dumped:
        return Dumped(
            frames=self._frames.frames,
            raw_bytes=self._frames.raw_bytes,
            size_bytes=self._frames.size_bytes,
            binlog=self._scanner.binlog,
            has_trailer=self._scanner.has_trailer,
            exit_code=exit_code,
            last_words=last_words,
            cut_off=self._cut_off,
            is_cancelled=self.is_cancelled(),
        )

    def _put(self, runs: Iterator[tuple[Section, memoryview]]) -> None:
        for section, run in runs:
            if section is not self._frames.section:
                self._close(self._frames.section)
            self._frames.add(section, run)

    def _close(self, section: Section | None) -> None:
        if section is not None and section.kind == "table" and not section.is_complete:
            self._cut_off.append((section.database, section.name))
