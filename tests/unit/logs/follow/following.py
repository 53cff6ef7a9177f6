"""What the tests of following share: a store in memory, a clock that is set, and a reader that keeps what it reads."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from vawsum_agent.config.model import LogSource
from vawsum_agent.logs.follow.fingerprint import marker_of
from vawsum_agent.logs.follow.follower import Follower
from vawsum_agent.logs.follow.records import RecordStore
from vawsum_agent.state.log_records import NO_MARKER, FileRecord, Fingerprint, Marker

if TYPE_CHECKING:
    from pathlib import Path

    from vawsum_agent.core.clock import Clock
    from vawsum_agent.logs.follow.tail import Tail


class SetClock:
    """A clock that goes when it is told to.

    It is slow by days, so that whatever a test does to a file is new to it: the deeds of a test follow each other
    within one tick of the file system's clock.
    """

    def __init__(self) -> None:
        self.wall = time.time() - 1e6
        self.elapsed = 1000.0

    def now(self) -> float:
        """See `Clock.now`."""
        return self.wall

    def monotonic(self) -> float:
        """See `Clock.monotonic`."""
        return self.elapsed

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.wall += seconds
        self.elapsed += seconds


class RecordsInMemory:
    """`LogFiles` without the disk; outlives the followers of a test as the store outlives a process."""

    def __init__(self) -> None:
        self.records: dict[int, FileRecord] = {}
        self.removed: list[FileRecord] = []
        self.writes = 0
        self._next = 1

    def of_source(self, source: str) -> list[FileRecord]:
        """See `LogFiles.of_source`."""
        return [record for record in self.records.values() if record.source == source]

    def add(
        self,
        *,
        source: str,
        path: str,
        fingerprint: Fingerprint,
        start_offset: int,
        initial_size: int,
        modified_at: float,
    ) -> FileRecord:
        """See `LogFiles.add`."""
        self.writes += 1
        file_id = self._next
        self._next += 1
        self.records[file_id] = FileRecord(
            file_id, source, path, fingerprint, start_offset, start_offset, NO_MARKER, initial_size, modified_at
        )
        return self.records[file_id]

    def update(
        self,
        file_id: int,
        *,
        fingerprint: Fingerprint | None = None,
        modified_at: float | None = None,
        is_finished: bool | None = None,
    ) -> None:
        """See `LogFiles.update`."""
        self.writes += 1
        record = self.records[file_id]
        self.records[file_id] = replace(
            record,
            fingerprint=record.fingerprint if fingerprint is None else fingerprint,
            modified_at=record.modified_at if modified_at is None else modified_at,
            is_finished=record.is_finished if is_finished is None else is_finished,
        )

    def remove(self, file_id: int) -> None:
        """See `LogFiles.remove`."""
        self.writes += 1
        self.removed.append(self.records.pop(file_id))

    def advance(self, file_id: int, offset: int, marker: Marker) -> None:
        """Do what the pipeline does when CloudWatch accepted everything before ``offset``."""
        record = self.records[file_id]
        self.records[file_id] = replace(
            record, offset=offset, marker=marker, accepted_bytes=offset - record.start_offset
        )


class Checkpoints(RecordStore, Protocol):
    """A store that the pipeline writes to as well."""

    def advance(self, file_id: int, offset: int, marker: Marker) -> None:
        """Move a checkpoint."""
        ...


class Reader:
    """Stands for the pipeline: reads tails, checkpoints, and keeps every accepted byte by generation."""

    def __init__(self, source: LogSource, records: Checkpoints, clock: Clock) -> None:
        self.source = source
        self.records = records
        self.clock = clock
        self.accepted: dict[int, bytes] = {}
        self.pending: dict[int, bytes] = {}
        self.starts: dict[int, int] = {}
        self.follower = Follower(source, records, clock)

    def restart(self) -> None:
        """Die and start again: what was read but not checkpointed is forgotten."""
        self.stop()
        self.start()

    def stop(self) -> None:
        """Die."""
        self.follower.close()
        self.pending.clear()

    def start(self) -> None:
        """Start again."""
        self.follower = Follower(self.source, self.records, self.clock)

    def read(self, tail: Tail, limit: int = 1 << 20) -> bytes:
        """Read once."""
        position = tail.position
        data = tail.read(limit)
        assert len(data) <= limit
        if data:
            kept = self.accepted.setdefault(tail.file_id, b"") + self.pending.setdefault(tail.file_id, b"")
            start = tail.record.start_offset
            assert position == start + len(kept)
            self.pending[tail.file_id] += data
        return data

    def checkpoint(self, tail: Tail, count: int | None = None) -> None:
        """Have ``count`` of the bytes that were read (all when None) accepted."""
        pending = self.pending.get(tail.file_id, b"")
        count = len(pending) if count is None else min(count, len(pending))
        whole = self.accepted.get(tail.file_id, b"") + pending[:count]
        if count:
            self.accepted[tail.file_id] = whole
            self.pending[tail.file_id] = pending[count:]
            start = tail.record.start_offset
            self.records.advance(tail.file_id, start + len(whole), marker_of(whole))
            tail.checkpointed(start + len(whole))

    def take_back(self, tail: Tail, count: int) -> None:
        """Give up some of what was read and not accepted; it is read again."""
        pending = self.pending.get(tail.file_id, b"")
        kept = pending[: max(0, len(pending) - count)]
        self.pending[tail.file_id] = kept
        tail.rewind(tail.position - (len(pending) - len(kept)))

    def drain(self, *, scans: int = 3, limit: int = 1 << 20) -> None:
        """Scan, read everything, have it accepted."""
        for _ in range(scans):
            self.follower.scan()
            for tail in self.follower.tails():
                while self.read(tail, limit):
                    pass
                self.checkpoint(tail)

    @property
    def contents(self) -> list[bytes]:
        """What was accepted, generation by generation in the order of their records."""
        return [self.accepted[file_id] for file_id in sorted(self.accepted) if self.accepted[file_id]]

    def tail(self, index: int = -1) -> Tail:
        """Give one of the tails."""
        return self.follower.tails()[index]


class SetReader(Reader):
    """A reader whose time passes when it is told to."""

    def __init__(self, source: LogSource, records: RecordsInMemory, clock: SetClock) -> None:
        super().__init__(source, records, clock)
        self.memory = records
        self.set_clock = clock

    def settle(self) -> None:
        """Let all the time pass that the follower may wait for anything, and drain."""
        for _ in range(12):
            self.drain()
            self.set_clock.advance(4.0)
        self.drain()


def source_of(*paths: Path | str, **settings: object) -> LogSource:
    """Configure a source named ``web``."""
    return LogSource(name="web", paths=[str(path) for path in paths], format="plain", **settings)  # type: ignore[arg-type]


def reader_of(*paths: Path | str, **settings: object) -> SetReader:
    """Follow some globs with nothing known before."""
    return SetReader(source_of(*paths, **settings), RecordsInMemory(), SetClock())
