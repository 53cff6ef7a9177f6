"""Reads one generation of a log: from its bytes to batches, and around what the journal already holds."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple

from vawsum_agent.logs.batch.cut import BLOCK_BYTES, cut_entries, cut_lines
from vawsum_agent.logs.batch.stamp import Stamper
from vawsum_agent.logs.batch.trim import trim_to_whole_seconds
from vawsum_agent.logs.follow.fingerprint import MARKER_BYTES, marker_of
from vawsum_agent.logs.read.ahead import Ahead
from vawsum_agent.logs.read.order import Place
from vawsum_agent.logs.ship.shipment import Batch, Progress, Shipment

if TYPE_CHECKING:
    from vawsum_agent.logs.batch.compose import Composer
    from vawsum_agent.logs.batch.layout import Layout
    from vawsum_agent.logs.follow.tail import Tail
    from vawsum_agent.logs.read.source import Source
    from vawsum_agent.logs.ship.lane import Lane
    from vawsum_agent.logs.ship.shipment import Origin


_LEFT_OVER_BYTES = 4 << 10
_STEP_DOWN = 256
_STEP_UP = 64


_RECALL_S = 60.0
_DOUBT_S = 60.0


class Doubt(NamedTuple):
    """What a store that lags can't tell: bytes before ``until`` were perhaps sent already, ``since`` at the latest."""

    until: int
    since: float


NO_DOUBT = Doubt(0, 0.0)


def doubt_about(tail: Tail, lagging_since: float | None, now: float) -> Doubt:
    """After damage or a power cut more may have been sent than the store knows: the stream is asked first."""
    if lagging_since is None or now - lagging_since > _DOUBT_S:
        return NO_DOUBT
    unread = tail.unread_bytes()
    return Doubt(sys.maxsize if unread is None else tail.position + unread, lagging_since)


class _Stuck(NamedTuple):
    """Where nothing whole could be cut, and what might have changed since."""

    position: int
    was_final: bool
    was_settled: bool


class FileReader:
    """Cuts what a tail gives into batches. Used by the reader thread alone.

    Attributes:
        taken: ranges that are in batches already, in order.
        place: behind older generations of the same log.
        noticed_at: wall time since when something waits to be read or cut; None when nothing does.
    """

    def __init__(
        self,
        tail: Tail,
        origin: Origin,
        source: Source,
        composer: Composer,
        lane: Lane,
        doubt: Doubt,
        attached_at: float,
    ) -> None:
        self.tail = tail
        self.origin = origin
        self.composer = composer
        self.lane = lane
        self.noticed_at: float | None = None
        self.place = Place()
        self._checkpointed_at = attached_at
        self.recall(attached_at)
        self._format = source.log_format
        self._stamper = Stamper(source.log_format)
        self._tally = source.tally
        counter = source.request_counter
        self._ahead = Ahead(tail, source.log_format, counter) if counter is not None and counter.counts_ahead else None
        self._is_behind, self._cut_until = True, 0.0
        self._settle_s = source.settle_s
        self._flush_interval_s = source.flush_interval_s
        self._doubt = doubt
        self._pending = b""
        self._before = b""
        self._wanted_bytes = BLOCK_BYTES
        self.taken: list[tuple[int, int]] = []
        self._stuck: _Stuck | None = None
        self._read_at = 0.0

    @property
    def start(self) -> int:
        """The offset of the first byte that is in no batch yet."""
        return self.tail.position - len(self._pending)

    def pass_over(self, taken: list[tuple[int, int]]) -> None:
        """Name the ranges that are in batches already, in order; they are not read again."""
        self.taken = taken
        self._skip_taken()

    def rewind(self, offset: int, taken: list[tuple[int, int]]) -> int:
        """Go back to ``offset``; returns how many read bytes are given up, besides batches that were taken back."""
        given_up = len(self._pending)
        self._pending = b""
        self._before = b""
        self._stuck = None
        self._stamper.restart()
        self.tail.rewind(offset)
        self.pass_over([(start, end) for start, end in taken if end > offset])
        return given_up

    def checkpointed(self, offset: int, now: float) -> None:
        """Take note that everything before ``offset`` is accepted or counted as dropped, and stored as such."""
        self._checkpointed_at = now
        self.tail.checkpointed(offset)

    def recall(self, now: float) -> None:
        """Keep what is all accepted at hand for a while, and for as long as the stream is asked what arrived.

        Its lines have to be told from identical ones of the same moment in the batches that follow.
        """
        self.tail.is_recalled = self.lane.is_in_doubt or now - self._checkpointed_at < _RECALL_S

    def pending_bytes(self) -> int:
        """Count what is read and in no batch."""
        return len(self._pending)

    def waiting_bytes(self) -> int:
        """Count what could be in the next batch, as far as it is known."""
        return len(self._pending) + (self.tail.unread_bytes() or 0)

    def notice(self, now: float) -> bool:
        """Remember since when something waits. False: there is nothing to read or to cut."""
        unread = self.tail.unread_bytes()
        if not self._pending and not unread:
            self.noticed_at = None
            self._is_behind = unread is None
            return unread is None
        if self.noticed_at is None:
            self.noticed_at = now
        return True

    def due_at(self, now: float) -> float | None:
        """Tell when a batch can be cut; None while only news from the file can change that."""
        if self.noticed_at is None:
            return now if self.tail.unread_bytes() is None else None
        unread = self.tail.unread_bytes()
        stuck = self._stuck
        if stuck is not None and unread == 0 and stuck.position == self.tail.position:
            if self.tail.is_final and not stuck.was_final:
                return now
            may_settle = self._format.is_multiline and not stuck.was_settled
            return self._settles_at() if may_settle else None
        if unread is None or len(self._pending) + unread >= self._wanted_bytes:
            return now
        return self.noticed_at + self._flush_interval_s

    @property
    def is_counted(self) -> bool:
        """Whether its requests are counted as soon as they are logged."""
        return self._ahead is not None

    def count_ahead(self, now: float) -> None:
        """Count what was due to be read, and had to wait."""
        due_at = self.due_at(now)
        if self._ahead is not None and due_at is not None and due_at <= now:
            self._ahead.look(self.start, now)

    def counted_until(self, now: float) -> float:
        """Tell the moment before which all that was logged here is counted, as far as that can be known.

        Of a file that had been read to its end it is when more was noticed, else the time of the latest entry. An
        unfinished last line holds up nothing.
        """
        if self.due_at(now) is None or (self._ahead is not None and self._ahead.has_seen_all()):
            return now
        return self._cut_until if self._is_behind or self.noticed_at is None else self.noticed_at

    def read(self, now: float) -> tuple[Batch | None, int]:
        """Read on and cut one batch.

        Returns:
            The batch, or None when what is there is not whole yet; and how many bytes were read.
        """
        self._skip_taken()
        hard_end = self.taken[0][0] if self.taken else None
        limit = self._wanted_bytes - len(self._pending)
        if hard_end is not None:
            limit = min(limit, hard_end - self.tail.position)
        data = self.tail.read(limit) if limit > 0 else b""
        read_bytes = len(data)
        if data:
            self._read_at = now
        block = self._pending + data if self._pending else data
        # What is not needed while the batch is composed is let go first: each is a megabyte.
        self._pending = data = b""
        start = self.tail.position - len(block)
        is_at_end = not self.tail.unread_bytes() and read_bytes < max(limit, 1)
        is_last = self.tail.position == hard_end or (self.tail.is_final and is_at_end)
        cut = self._cut(block, now, is_last=is_last)
        self._learn_wanted(len(block), cut)
        if cut == 0:
            self._pending = block
            self._stuck = _Stuck(self.tail.position, was_final=is_last, was_settled=now >= self._settles_at())
            return None, read_bytes
        layout, cut = self._layout(block, cut, start, now)
        self._pending = block[cut:]
        block = block[:cut]
        batch = self._batch(block, layout, start, now)
        self._stuck = None
        self._is_behind = self.waiting_bytes() > 0
        if not self._is_behind:
            self.noticed_at = None
        elif len(self._pending) < read_bytes:
            self.noticed_at = now
        return batch, read_bytes

    def _cut(self, block: bytes, now: float, *, is_last: bool) -> int:
        if not block:
            return 0
        if not self._format.is_multiline or self._format.start is None:
            return cut_lines(block, is_last=is_last)
        is_settled = now >= self._settles_at() and not self.tail.unread_bytes()
        return cut_entries(block, self._format.start, is_last=is_last, is_settled=is_settled)

    def _learn_wanted(self, read: int, cut: int) -> None:
        """Read as much as a batch takes and little more: what is left over waits in memory, for each file."""
        if cut == 0:
            self._wanted_bytes = BLOCK_BYTES
        elif read - cut > _LEFT_OVER_BYTES:
            self._wanted_bytes = max(cut - cut // _STEP_DOWN, BLOCK_BYTES // 2)
        else:
            self._wanted_bytes = min(BLOCK_BYTES, self._wanted_bytes + self._wanted_bytes // _STEP_UP)

    def _settles_at(self) -> float:
        """When an entry that nothing was added to counts as whole; a file's time may lie in the future."""
        return min(self._read_at, self.tail.written_at) + self._settle_s

    def _layout(self, block: bytes, cut: int, start: int, now: float) -> tuple[Layout, int]:
        counts_too_old = start < self.tail.record.initial_size
        layout = self._stamper.layout(block[:cut], now, counts_too_old=counts_too_old)
        if len(block) > cut or self.tail.unread_bytes():
            return trim_to_whole_seconds(layout, cut)
        return layout, cut

    def _batch(self, whole: bytes, layout: Layout, start: int, now: float) -> Batch:
        tallies = self._tally(whole, layout, self.origin.file_id, start)
        if self.is_counted:
            self._cut_until = max(run.time_ms for run in layout.runs) / 1000
        composed = self.composer.compose(whole, layout)
        self._before = (self._before + whole[-MARKER_BYTES:])[-MARKER_BYTES:]
        batch = Batch(
            origin=self.origin,
            composer=self.composer,
            start=start,
            end=start + len(whole),
            layout=layout.encode(),
            digest=composed.digest,
            marker=marker_of(self._before),
            noticed_at=now if self.noticed_at is None else self.noticed_at,
            dropped_bytes=composed.dropped_bytes,
            tallies=tallies,
        )
        is_doubtful = start < self._doubt.until
        progress = Progress.UNDECIDED if is_doubtful else Progress.WAITING
        # What was sent then was cut elsewhere: part of this batch may be there.
        batch.shipments += (
            Shipment(batch, request, progress, attempted_at=self._doubt.since, is_whole=not is_doubtful)
            for request in composed.requests
        )
        return batch

    def _skip_taken(self) -> None:
        while self.taken and not self._pending and self.tail.position >= self.taken[0][0]:
            _, end = self.taken.pop(0)
            if end > self.tail.position:
                self.tail.rewind(end)
                self._before = b""
                self._stamper.restart()
