"""One run of frames through one client: again from their beginning when the server was lost amid it.

Every frame makes what it holds anew (``DROP … IF EXISTS``, ``CREATE DATABASE … IF NOT EXISTS``), so that nothing of an
attempt that failed is left after one that did not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from vawsum_agent.backup.restore import keys
from vawsum_agent.backup.restore.client import ClientFailed, Clients
from vawsum_agent.backup.restore.head import use
from vawsum_agent.backup.restore.source import Waiting, named
from vawsum_agent.backup.restore.words import Kind, hint_of, kind_of
from vawsum_agent.core.errors import BackupError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from vawsum_agent.backup.manifest import Frame
    from vawsum_agent.backup.restore.meter import Meter

_MOST_LOSSES = 5
"""Amid the same frames: a server that breaks down each time does so because of them."""

_LOCK = b"\nLOCK TABLES `"


class SqlSource(Protocol):
    """Where SQL comes from; see `Source`."""

    def sql(self, frame: Frame) -> Iterator[bytes]:
        """Raises BackupError, AwsError."""
        ...


class LoadFailed(BackupError):
    """The server did not take what it was given.

    Attributes:
        kind: of the failure.
    """

    def __init__(self, what: str, words: str, kind: Kind) -> None:
        super().__init__(f"{what}: {words}", hint=hint_of(words))
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Loader:
    """Loads frames. Threads may load side by side.

    Attributes:
        clients: of the server.
        source: of the frames.
        head: what each client is told first.
        waiting: for the server.
        meter: told what it has taken.
        on_loss: called when the server was lost.
    """

    clients: Clients
    source: SqlSource
    head: bytes
    waiting: Waiting
    meter: Meter
    on_loss: Callable[[], object] = lambda: None

    def load(self, frames: Sequence[Frame], *, may_defer: bool = True) -> None:
        """Load frames by one client, one after the other.

        Args:
            frames: in order.
            may_defer: secondary indexes of a large table are built after its rows.

        Raises:
            LoadFailed: the server does not take it, or is gone for longer than one waits.
            BackupError: the frames are damaged, or the restore was ended.
            AwsError: S3 does not give them.
        """
        losses, unreached_at, attempt = 0, None, 0
        while True:
            try:
                self._attempt(frames, may_defer=may_defer)
            except ClientFailed as failed:
                kind, what = kind_of(failed.words), named(frames[0])
                if kind in {Kind.LOST, Kind.UNREACHED}:
                    self.on_loss()
                now = self.waiting.clock.monotonic()
                if kind is Kind.UNREACHED:
                    unreached_at = now if unreached_at is None else unreached_at
                    if now - unreached_at >= self.waiting.patience_s:
                        raise LoadFailed(what, failed.words, kind) from None
                elif kind in {Kind.LOST, Kind.AGAIN}:
                    losses, unreached_at = losses + 1, None
                    if losses > _MOST_LOSSES:
                        raise LoadFailed(what, failed.words, kind) from None
                elif may_defer and kind is not Kind.ALL and self._is_deferrable(frames):
                    may_defer = False  # an index that is missing meanwhile may be what it failed at
                    continue
                else:
                    raise LoadFailed(what, failed.words, kind) from None
                self.waiting.before_attempt(attempt)
                attempt += 1
            else:
                return

    def _attempt(self, frames: Sequence[Frame], *, may_defer: bool) -> None:
        for frame in frames:
            self.meter.restart(frame)
        with self.clients.start() as client:
            client.write(self.head)
            for frame in frames:
                if frame.kind != "database" and frame.database:
                    client.write(use(frame.database))
                afterwards = b""
                blocks = self.source.sql(frame)
                if frame.kind == "table":
                    begin, size_bytes = _definition(blocks)
                    if may_defer and self._is_deferrable([frame]):
                        begin, afterwards = keys.deferred(begin) or (begin, b"")
                    client.write(_unlocked(begin))
                    self.meter.add(frame, size_bytes)
                for block in blocks:
                    client.write(block)
                    self.meter.add(frame, len(block))
                client.write(afterwards)
            # Only now, when all of it is verified: whoever dies before leaves a table that the next run makes anew.
            client.finish()

    def _is_deferrable(self, frames: Sequence[Frame]) -> bool:
        return any(
            frame.kind == "table" and frame.raw_bytes >= keys.WORTH_BYTES and frame.engine == "InnoDB"
            for frame in frames
        )


def _unlocked(begin: bytes) -> bytes:
    """Make a comment of the lock on the table, which is ours alone.

    While a session has locked one table, the server refuses it rows as soon as another session makes a table whose
    foreign key refers to that one (error 1100): tables that are restored side by side would fail by chance.
    """
    return begin.replace(_LOCK, b"\n-- " + _LOCK[1:], 1)


def _definition(blocks: Iterator[bytes]) -> tuple[bytes, int]:
    """Read so far that the definition of a table is whole; with the count of its bytes."""
    begin = b""
    for block in blocks:
        begin += block
        if len(begin) >= keys.LONGEST_BYTES or _LOCK in begin:
            break
    return begin, len(begin)
