"""One dump on its way into the bucket: streamed, judged, and an object only when nothing speaks against it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from vawsum_agent.backup.dump.failure import failure_of
from vawsum_agent.backup.publish.gate import Evidence, refusals
from vawsum_agent.core.errors import BackupError

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from vawsum_agent.backup.dump.dump import Dumped, Progress
    from vawsum_agent.backup.manifest import Stored
    from vawsum_agent.backup.publish.gate import Table
    from vawsum_agent.backup.server.facts import Server

_WITH_ROWS = frozenset({"Aria", "InnoDB", "MyISAM", "RocksDB"})
"""Engines whose rows every dump holds, unless told otherwise; of others, such as MERGE, the rows are elsewhere."""


class Writer(Protocol):
    """Where a dump goes; see `ObjectWriter`."""

    def write(self, block: bytes) -> None:
        """Raises AgentError."""
        ...

    def wait_for_room(self, timeout_s: float) -> bool:
        """Whether more is welcome."""
        ...

    def finish(self, raw_bytes: int = 0) -> Stored:
        """Raises AgentError."""
        ...


class Source(Protocol):
    """The server that is backed up."""

    def look(self) -> Server:
        """Ask what it holds now. Raises AgentError."""
        ...

    def dump(
        self, server: Server, writer: Writer, on_progress: Callable[[Progress], None], is_halted: Callable[[], bool]
    ) -> Dumped:
        """Raises AgentError: it could not start, or what it wrote could not be sent."""
        ...


@dataclass(frozen=True, slots=True)
class Attempt:
    """A dump that lies in the bucket, whole."""

    dumped: Dumped
    stored: Stored


def attempt(
    source: Source,
    server: Server,
    writer: AbstractContextManager[Writer],
    on_progress: Callable[[Progress], None],
    is_halted: Callable[[], bool],
) -> Attempt:
    """Dump into an object.

    Args:
        source: the server.
        server: what it held before.
        writer: of the object; leaving it without `finish` aborts the upload.
        on_progress: told about once a second how far it is.
        is_halted: whether to give up.

    Raises:
        BackupError: the dump is not whole. Nothing is in the bucket.
        AgentError: the server or S3 failed. Nothing is in the bucket.
    """
    with writer as open_writer:
        dumped = source.dump(server, open_writer, on_progress, is_halted)
        if dumped.is_cancelled or is_halted():
            message = "the backup was told to end before the dump was whole"
            raise BackupError(message, hint="nothing was published; the next run begins anew")
        _judge(source, server, dumped)
        # If we die before this line, the parts lie in the bucket and are no object; after it, the dump has no manifest
        # and is no backup: a later run marks it for removal.
        return Attempt(dumped, open_writer.finish(dumped.raw_bytes))


def _judge(source: Source, server: Server, dumped: Dumped) -> None:
    """Raise what speaks against a dump."""
    evidence = Evidence(
        exit_code=dumped.exit_code,
        has_trailer=dumped.has_trailer,
        is_head_whole=bool(dumped.frames) and dumped.frames[0].kind == "head",
        rows={(frame.database, frame.name): frame.rows or 0 for frame in dumped.frames if frame.kind == "table"},
        unfinished=dumped.cut_off,
        dataless=[
            (frame.database, frame.name) for frame in dumped.frames if frame.rows is None and frame.engine in _WITH_ROWS
        ],
    )
    failure = failure_of(dumped.exit_code, dumped.last_words)
    if failure is not None:
        raise failure
    found = refusals(evidence, _still_there(source, server, evidence))
    if found:
        raise BackupError("; ".join(found), hint="see the server's error log; nothing was published")


def _still_there(source: Source, server: Server, evidence: Evidence) -> set[Table]:
    """Give the tables that must be in the dump: one that was dropped meanwhile is rightly missing."""
    expected = set(server.by_name())
    if evidence.exit_code == 0 and not expected <= set(evidence.rows):
        expected &= set(source.look().by_name())
    return expected
