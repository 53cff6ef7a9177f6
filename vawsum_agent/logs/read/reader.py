"""The reader loop: scan, find what is due, cut batches while there is room. One thread does all of it.

Backpressure is not reading: nothing is read that the buffer has no room for, while scanning and opening go on, so
that a file which is rotated away or removed meanwhile is held by its descriptor.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from functools import partial
from typing import TYPE_CHECKING

import structlog

from vawsum_agent.core.errors import AgentError
from vawsum_agent.core.pulse import Pulse
from vawsum_agent.logs.batch.cut import BLOCK_BYTES
from vawsum_agent.logs.read.counting import Counting
from vawsum_agent.logs.read.file_reader import FileReader, doubt_about
from vawsum_agent.logs.read.order import older_ones
from vawsum_agent.logs.read.resume import resume
from vawsum_agent.logs.read.scans import Scans
from vawsum_agent.logs.ship.shipment import Origin

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vawsum_agent.core.clock import Clock
    from vawsum_agent.logs.follow.tail import Tail
    from vawsum_agent.logs.ledger import Ledger
    from vawsum_agent.logs.read.source import Source
    from vawsum_agent.logs.ship.shipper import Shipper
    from vawsum_agent.state.log_batches import LogBatches
    from vawsum_agent.state.log_files import LogFiles

_log = structlog.get_logger()

_IDLE_TURN_S = 0.2
_UNCOMPRESSED_BYTES = 1 << 20
"""As much may wait for a sender to compress it; what waits longer takes a tenth of the memory."""


class Reader:
    """Reads all sources. `turn` is the loop's body; `read_range` may be called by any thread."""

    def __init__(
        self,
        *,
        sources: Sequence[Source],
        files: LogFiles,
        shipper: Shipper,
        journal: LogBatches,
        ledger: Ledger,
        count: Callable[[str, int], None],
        lagging_since: float | None,
        clock: Clock,
    ) -> None:
        self._sources = sources
        self._files = files
        self._shipper = shipper
        self._journal = journal
        self._ledger = ledger
        self._count = count
        self._lagging_since = lagging_since
        self._clock = clock
        self._readers: dict[int, FileReader] = {}
        self._awake: dict[int, FileReader] = {}
        self._booked: set[int] = set()
        self._checkpoints: deque[tuple[int, int]] = deque()
        self._files_lock = threading.RLock()
        self._asking = 0
        self._scans = Scans(clock)
        self._counting = Counting(sources)
        self._lost: set[int] = set()
        self._pending_bytes = 0
        self.has_seen_all = False
        self.pulse = Pulse(clock)

    def checkpointed(self, file_id: int, offset: int) -> None:
        """Take note, from any thread, that a checkpoint moved; acted on in the next turn."""
        self._checkpoints.append((file_id, offset))

    def read_range(self, file_id: int, start: int, end: int) -> bytes | None:
        """Read bytes of a followed file again, from any thread; None when they are gone, or not found yet."""
        self._asking += 1
        try:
            with self._files_lock:
                reader = self._readers.get(file_id)
                return reader.tail.read_range(start, end) if reader else None
        finally:
            self._asking -= 1

    def recall_range(self, file_id: int, start: int, end: int) -> bytes | None:
        """Do as `read_range`. Raises AgentError where the bytes are not found yet: ask again."""
        data = self.read_range(file_id, start, end)
        with self._files_lock:
            tails = (tail for source in self._sources for tail in source.follower.tails())
            if data is None and any(tail.file_id == file_id and tail.is_searching for tail in tails):
                raise AgentError("a generation of the log is being looked for", hint="it is asked for again")
        return data

    def turn(self, *, was_woken: bool, is_draining: bool) -> float:
        """Do all that can be done now.

        The first turn that drains looks at every file, whatever was looked at a moment ago; `has_seen_all` says when it
        is over. Before that, having no work proves nothing.

        Returns:
            Seconds until time alone makes more possible.
        """
        self._take_checkpoints()
        if is_draining and not self.has_seen_all:
            self._scans.bring_forward()
        self._scan_if_due(was_woken=was_woken)
        while self._pass(is_draining=is_draining):
            self._scan_if_due(was_woken=True)
            self._take_checkpoints()
            self.pulse.beat()
        now = self._clock.now()
        self._book_waiting()
        with self._files_lock:
            self._counting.tell(self._awake.values(), now)
        wait_s = self._wait_s(now)
        self.pulse.beat(wait_s)
        self.has_seen_all = is_draining
        return wait_s

    def has_work(self) -> bool:
        """Whether something that could be sent waits to be read."""
        with self._files_lock:
            return any(reader.due_at(self._clock.now()) is not None for reader in self._readers.values())

    def close(self) -> None:
        """Close all files."""
        with self._files_lock:
            for source in self._sources:
                source.follower.close()

    # -- one turn

    def _scan_if_due(self, *, was_woken: bool) -> None:
        if not self._scans.is_due(was_woken=was_woken, is_wanted=self._wants_scan()):
            return
        self._scans.begin()
        with self._files_lock:
            self._scan()
        self._scans.end()

    def _scan(self) -> None:
        began_at = self._clock.now()
        present: set[int] = set()
        for source in self._sources:
            source.follower.scan()
            tails = source.follower.tails()
            present.update(tail.file_id for tail in tails)
            for tail in tails:
                if tail.file_id not in self._readers and not tail.is_searching:
                    self._attach(source, tail)
            for file_id, older in older_ones(tails).items():
                if file_id in self._readers:
                    self._readers[file_id].place.older = older
        for file_id in self._readers.keys() - present:
            self._pending_bytes -= self._readers.pop(file_id).pending_bytes()
            self._awake.pop(file_id, None)
            # What waited when it was last looked at was read since, or is booked as lost.
            self._ledger.ended(file_id)
        wall = self._clock.now()
        # Between scans only those are looked at that may have something to read: most of a thousand files are quiet.
        self._awake = {file_id: reader for file_id, reader in self._readers.items() if reader.notice(wall)}
        self._counting.scanned(began_at, self._readers.values())
        for reader in self._readers.values():
            reader.recall(wall)
            if reader.tail.lost_reason and reader.tail.file_id not in self._lost:
                self._book_loss(reader.tail)

    def _attach(self, source: Source, tail: Tail) -> None:
        composer = source.composer(tail.path)
        lane = self._shipper.lane(composer.group, composer.stream)
        origin = Origin(tail.file_id, tail.path, tail.source, partial(self.read_range, tail.file_id))
        now = self._clock.now()
        doubt = doubt_about(tail, self._lagging_since, now)
        reader = FileReader(tail, origin, source, composer, lane, doubt, now)
        self._ledger.open(tail.record)
        resumed = resume(tail, origin, source, composer, self._journal, self._count)
        self._readers[tail.file_id] = reader
        reader.pass_over(resumed.taken)
        for batch in resumed.batches:
            self._ledger.read(tail.file_id, batch.length)
            self._shipper.submit(lane, batch)

    def _book_loss(self, tail: Tail) -> None:
        self._lost.add(tail.file_id)
        length = tail.lost_bytes or 0
        self._files.book_loss(tail.file_id, tail.lost_reason, length)
        self._ledger.lose(tail.file_id, tail.lost_reason, length)
        self._count("log_lost_files", 1)
        _log.error("log_bytes_lost", path=tail.path, reason=tail.lost_reason, lost_bytes=tail.lost_bytes)

    def _take_checkpoints(self) -> None:
        with self._files_lock:
            while self._checkpoints:
                file_id, offset = self._checkpoints.popleft()
                reader = self._readers.get(file_id)
                if reader is not None:
                    reader.checkpointed(offset, self._clock.now())

    def _pass(self, *, is_draining: bool) -> bool:
        """Give every file that is due one batch; True when any batch came of it."""
        made_progress = False
        for reader in list(self._awake.values()):
            if self._asking:
                # Locks are not fair: a thread that reads a range for an answer goes first.
                time.sleep(0.001)
            with self._files_lock:
                made_progress |= self._step(reader, is_draining=is_draining)
        return made_progress

    def _step(self, reader: FileReader, *, is_draining: bool) -> bool:
        now = self._clock.now()
        reader.notice(now)
        due_at = reader.due_at(now)
        if due_at is None or (not is_draining and (due_at > now or reader.place.waits(now))):
            return False
        return self._has_room(reader) and self._read(reader, now)

    def _has_room(self, reader: FileReader) -> bool:
        if not self._shipper.may_queue(reader.lane):
            return False
        wanted = min(max(reader.waiting_bytes(), 1), BLOCK_BYTES)
        if self._room(reader) >= wanted:
            return True
        self._take_back()
        return self._room(reader) >= wanted

    def _room(self, reader: FileReader) -> int:
        """What the buffer has left for a file: it holds batches, and of every file what is in none yet."""
        return self._shipper.room() - (self._pending_bytes - reader.pending_bytes())

    def _read(self, reader: FileReader, now: float) -> bool:
        pending_before = reader.pending_bytes()
        try:
            batch, length = reader.read(now)
        except OSError as exc:
            _log.warning("log_not_readable", path=reader.tail.path, error=str(exc))
            return False
        self._pending_bytes += reader.pending_bytes() - pending_before
        self._ledger.read(reader.tail.file_id, length)
        if batch is None:
            return False
        if self._shipper.used_bytes() > _UNCOMPRESSED_BYTES:
            for shipment in batch.shipments:
                shipment.request.compress()
        self._shipper.submit(reader.lane, batch)
        return True

    def _take_back(self) -> None:
        """Give up what was read for failing destinations, to be read again: it does not stand in others' way."""
        first: dict[int, int] = {}
        for batch in self._shipper.take_back_failing():
            file_id = batch.origin.file_id
            first[file_id] = min(batch.start, first.get(file_id, batch.start))
            self._ledger.read(file_id, -batch.length)
            if batch.batch_id is not None:
                # Refused for certain, or asked about for the whole window: reading it again repeats nothing.
                self._journal.discard(batch.batch_id)
        for file_id, offset in first.items():
            taken = [(record.start, record.end) for record in self._journal.of_file(file_id)]
            self._rewind(self._readers[file_id], offset, taken)
        if self._pending_bytes > BLOCK_BYTES:
            for reader in self._readers.values():
                if reader.pending_bytes() and not reader.tail.wants_turn:
                    self._rewind(reader, reader.start, reader.taken)

    def _rewind(self, reader: FileReader, offset: int, taken: list[tuple[int, int]]) -> None:
        given_up = reader.rewind(offset, taken)
        self._awake[reader.tail.file_id] = reader
        self._pending_bytes -= given_up
        self._ledger.read(reader.tail.file_id, -given_up)

    def _book_waiting(self) -> None:
        unsettled_since = self._shipper.oldest_noticed()
        waiting = self._awake.keys() | unsettled_since.keys()
        for file_id in (waiting | self._booked) & self._readers.keys():
            reader = self._readers[file_id]
            moments = [at for at in (unsettled_since.get(file_id), reader.noticed_at) if at is not None]
            self._ledger.waiting(file_id, reader.tail.unread_bytes() or 0, min(moments, default=None))
        self._booked = waiting

    def _wait_s(self, now: float) -> float:
        due = [reader.due_at(now) for reader in self._awake.values()]
        soonest = min((at for at in due if at is not None), default=None)
        until_scan = self._scans.until_next_s(is_wanted=self._wants_scan())
        until_due = until_scan if soonest is None else max(soonest - now, _IDLE_TURN_S if soonest <= now else 0.0)
        return max(0.005, min(until_scan, until_due))

    def _wants_scan(self) -> bool:
        # A compressed rest is worked through a part a scan.
        return any(source.follower.wants_scan for source in self._sources)
