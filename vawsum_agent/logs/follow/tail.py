"""One generation of a log, read in order: `Tail` gives its bytes wherever they are, and never those of another one."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from vawsum_agent.logs.follow.compressed import CorruptError
from vawsum_agent.logs.follow.fingerprint import (
    HEAD_BYTES,
    MARKER_BYTES,
    begins_alike,
    fingerprint_of,
    is_marked,
    marker_of,
)
from vawsum_agent.logs.follow.names import escape_path
from vawsum_agent.logs.follow.place import Place
from vawsum_agent.logs.follow.ranges import Ranges
from vawsum_agent.state.log_records import NO_MARKER

if TYPE_CHECKING:
    from vawsum_agent.logs.follow.content import Content
    from vawsum_agent.logs.follow.ground import Ground
    from vawsum_agent.state.log_records import FileRecord, Fingerprint, Marker

MODIFIED_AT_STEP_S = 60.0
"""How far a modification time moves before the store is told: it only orders generations after a stop."""


class Tail:
    """One generation of a log: from its creation (or truncation) to its end, under whatever names.

    Offsets are of the uncompressed bytes. What stands under "for the follower" is no business of a reader.

    Attributes:
        position: where the next read starts.
        is_final: no more bytes will come at its end; ask after a read that gave nothing. A line that is unfinished
            then stays so.
        is_searching: it is not decided yet where its bytes are; reads give nothing, `read_range` None, for now.
        wants_turn: a read works its way through a compressed file to `position`; call it again soon.
        written_at: when bytes were last added, seconds since the epoch.
        is_recalled: whether it stays at hand for `read_range` though all of it is accepted; set by who reads.
        lost_bytes: how many bytes were lost for good before anybody read them; None when nobody can know.
        lost_reason: ``"truncated"``, ``"deleted"`` or ``"damaged"``; empty when nothing was lost.
    """

    def __init__(self, record: FileRecord, ground: Ground) -> None:
        self.record = record
        self.position = record.offset
        self.checkpoint = record.offset
        self.written_at = record.modified_at
        self.is_final = False
        self.lost_bytes: int | None = 0
        self.lost_reason = ""
        # For the follower:
        self.place = Place.SEARCHED
        self.content: Content | None = None
        self.seen = (-1, -1)
        self.known_size = max(record.offset, record.initial_size)
        self.is_suspect = False
        self.is_finished = record.is_finished
        self.is_held = False
        self.is_recalled = False
        self.missing_since: float | None = None
        self.missing_reason = "deleted"
        self.changed_at = 0.0
        self.modified_at = record.modified_at
        self._ground = ground
        self._was_seen = False
        self._marker = record.marker
        self._before: bytes | None = None
        self._ranges: Ranges | None = None

    @property
    def file_id(self) -> int:
        """The store's key."""
        return self.record.file_id

    @property
    def source(self) -> str:
        """The name of the source that follows it."""
        return self.record.source

    @property
    def path(self) -> str:
        """The live path under which it was met, as valid text: names the log stream."""
        return escape_path(self.record.path)

    @property
    def is_searching(self) -> bool:
        """See the class."""
        return self.place is Place.SEARCHED

    @property
    def wants_turn(self) -> bool:
        """See the class."""
        return self.content is not None and self.content.is_compressed and not self.is_final

    def read(self, limit: int) -> bytes:
        """Give up to ``limit`` bytes from `position` and advance it; nothing when there is nothing now.

        Raises:
            StateError: the store can't be written; nothing was read, and the same call may succeed later.
        """
        content = self.content
        if content is None or limit <= 0:
            return b""
        try:
            data = content.read_at(self.position, limit)
        except CorruptError as error:
            self.give_up_damaged(error.args[0])
            return b""
        except OSError as error:
            self._ground.problems.note_error(self.record.path, error)
            return b""
        if not data:
            return b""
        # Looked at after the read: whatever was truncated and written anew before it shows.
        if not self.is_intact():
            self.is_suspect = True
            return b""
        if self.fingerprint.head_length < HEAD_BYTES:
            self.learn_head()
        self.position += len(data)
        self.known_size = max(self.known_size, self.position)
        self._before = ((self._before or b"") + data[-MARKER_BYTES:])[-MARKER_BYTES:]
        return data

    def rewind(self, offset: int) -> None:
        """Let the next read start at ``offset``."""
        if offset == self.position:
            return
        self._marker = self.record.marker if offset == self.record.offset else NO_MARKER
        self._before = None
        if self.content is not None and not self.content.is_compressed and self.is_intact():
            self._before = self.content.before(offset)
        self.position = offset

    def read_range(self, start: int, end: int) -> bytes | None:
        """Give the bytes from ``start`` to ``end``; None when they are gone (or, while `is_searching`, not found yet).

        In a compressed file everything before ``start`` is read first, in this one call: ask in ascending order.
        """
        if self.content is None or not self.is_intact():
            return None
        if self._ranges is None:
            self._ranges = Ranges(self.content)
        return self._ranges.read(start, end)

    def unread_bytes(self) -> int | None:
        """Tell how much is left to read, as far as it is known; None inside a compressed file and while searching."""
        if self.place is Place.LOST or self.is_finished:
            return 0
        if self.content is None:
            return None
        if self.content.is_compressed:
            end = self.content.end()
            return None if end is None else max(0, end - self.position)
        return max(0, self.known_size - self.position)

    def checkpointed(self, offset: int) -> None:
        """Take note that everything before ``offset`` is accepted or counted as dropped, and stored as such."""
        self.checkpoint = max(self.checkpoint, offset)
        self.finish_when_done()

    # For the follower

    @property
    def fingerprint(self) -> Fingerprint:
        """Its identity by now."""
        return self.record.fingerprint

    @property
    def marker(self) -> Marker:
        """What the bytes before `position` are."""
        return self._marker if self._before is None else marker_of(self._before)

    def attach(self, content: Content, place: Place, now: float) -> None:
        """Go on in a file whose bytes before `position` proved to be ours."""
        self.detach()
        self.content = content
        self.place = place
        self.seen = (-1, -1)
        self.is_suspect = self.is_final = False
        self.missing_since = None
        self.missing_reason = "deleted"
        self.changed_at = now
        self._was_seen = True
        self._count_lost(content)
        if self.position == 0:
            self._before = b""
        elif self._before is None:
            self._before = content.before(self.position)
        if content.identity != (self.fingerprint.device, self.fingerprint.inode):
            self._update_fingerprint(replace(self.fingerprint, device=content.identity[0], inode=content.identity[1]))

    def _count_lost(self, content: Content) -> None:
        """See whether the file still has all that was seen of it."""
        end = None if content.is_compressed else content.end()
        lost_bytes = 0 if end is None else max(0, self.known_size - max(end, self.position))
        self.lost_bytes = lost_bytes
        self.lost_reason = "truncated" if lost_bytes else ""
        self.known_size = self.position

    def search_anew(self, reason: str, now: float) -> None:
        """Let go of a file that does not hold the rest of it."""
        self.detach()
        self.place = Place.SEARCHED
        self.missing_reason = reason
        self.missing_since = now

    def detach(self) -> None:
        """Let go of the file."""
        for opened in (self.content, self._ranges):
            if opened is not None:
                opened.close()
        self.content = self._ranges = None

    def is_intact(self) -> bool:
        """Whether the file still holds what was read of it: neither truncated nor written anew since."""
        content = self.content
        if content is None or content.is_compressed:
            return True
        head = os.pread(content.descriptor, self.fingerprint.head_length, 0)
        if not begins_alike(self.fingerprint, head):
            return False
        before = self._before
        if before is None:
            return is_marked(self._marker, content.before(self.position))
        return not before or os.pread(content.descriptor, len(before), self.position - len(before)) == before

    def notice(self, status: os.stat_result) -> bool:
        """Take in what the file looks like now. False: it is no longer this generation that is in it."""
        seen = (status.st_size, status.st_mtime_ns)
        if (seen == self.seen and not self.is_suspect) or (self.content is not None and self.content.is_compressed):
            return True
        if status.st_size < self.known_size or not self.is_intact():
            return False
        self.is_suspect = False
        self.seen = seen
        self.known_size = status.st_size
        self.written_at = status.st_mtime_ns / 1e9
        self.modified_at = max(self.modified_at, self.written_at)
        if status.st_size > self.fingerprint.head_length < HEAD_BYTES:
            self.learn_head()
        return True

    def store_time(self) -> None:
        """Store when it was modified last, as soon as no file older than that can be one that was missed."""
        if not self.is_finished and self.modified_at > self.record.modified_at + MODIFIED_AT_STEP_S:
            self._ground.store.update(self.file_id, modified_at=self.modified_at)
            self.record = replace(self.record, modified_at=self.modified_at)

    def learn_head(self) -> None:
        """Take in more of the head of a file that was shorter; stored before a checkpoint can rely on it."""
        if self.content is None or self.content.is_compressed:
            return
        head = self.content.head()
        if head is not None and len(head) > self.fingerprint.head_length and begins_alike(self.fingerprint, head):
            self._update_fingerprint(fingerprint_of(self.fingerprint.device, self.fingerprint.inode, head))

    def missing_bytes(self) -> int | None:
        """Tell how many bytes are gone with its file; None when it may have had more than was ever seen."""
        missing = max(0, self.known_size - self.position)
        return missing if missing or self._was_seen or self.fingerprint.head_length == 0 else None

    def finish_when_done(self) -> None:
        """Close a generation that has ended, was read to its end and accepted, once nobody will read it again."""
        if self.is_finished or self.is_held or not self.is_final or (self.is_recalled and self.content is not None):
            return
        if self.checkpoint < self.position or not self._is_exhausted():
            return
        # If we die before this is stored, the next start finds the file read to its end and finishes it again.
        self._ground.store.update(self.file_id, modified_at=self.modified_at, is_finished=True)
        self.record = replace(self.record, modified_at=self.modified_at, is_finished=True)
        self.is_finished = True
        self._marker = self.marker
        self._before = None
        self.detach()

    def give_up_damaged(self, message: str) -> None:
        """Accept that a compressed file can't be read beyond `position`."""
        self._ground.problems.note(self.record.path, message)
        self.detach()
        self.place = Place.LOST
        self.is_final = True
        self.lost_bytes = None
        self.lost_reason = "damaged"

    def _is_exhausted(self) -> bool:
        if self.content is None:
            return self.place is Place.LOST
        end = self.content.end()
        return end is not None and end <= self.position

    def _update_fingerprint(self, fingerprint: Fingerprint) -> None:
        self._ground.store.update(self.file_id, fingerprint=fingerprint)
        self.record = replace(self.record, fingerprint=fingerprint)
