"""Whether a file holds the bytes of a generation: its head and the bytes before an offset decide, never its name."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING

from vawsum_agent.logs.follow.compressed import CorruptError
from vawsum_agent.logs.follow.fingerprint import MARKER_BYTES, begins_alike, is_marked

if TYPE_CHECKING:
    from vawsum_agent.logs.follow.content import Content
    from vawsum_agent.logs.follow.survey import Sighting, Survey
    from vawsum_agent.logs.follow.tail import Tail

_COMPARED_BYTES = 64 << 10
_REFUSALS_KEPT = 4096


class Fit(Enum):
    """How a file fits a generation."""

    YES = auto()
    """It begins alike, and the bytes before the position are the same."""
    NO = auto()
    SHORT = auto()
    """It begins alike and ends before the position."""
    NOT_YET = auto()
    """Being found out: a compressed file is read up to the position, a piece a turn."""
    UNREADABLE = auto()
    """It can't be told: no permission, gone a moment ago, or its compressor has only begun."""


class Trials:
    """Files being tried as the home of a generation. A compressed one stays open until it is decided."""

    def __init__(self, survey: Survey) -> None:
        self._survey = survey
        self._open: dict[tuple[int, Sighting], tuple[int, Content]] = {}
        self._used: set[tuple[int, Sighting]] = set()
        self._refused: set[tuple[int, int, Sighting]] = set()

    @property
    def is_busy(self) -> bool:
        """Whether a file is being read up to a position."""
        return bool(self._open)

    def take(self, tail: Tail, sighting: Sighting) -> tuple[Fit, Content | None]:
        """Try a file; a content comes with YES and SHORT, and is then the caller's."""
        if (tail.file_id, tail.position, sighting) in self._refused:
            return Fit.NO, None
        head = self._survey.head(sighting)
        if head is None:
            return Fit.UNREADABLE, None
        if not begins_alike(tail.fingerprint, head):
            return Fit.NO, None
        content = self._resume(tail, sighting) or self._survey.open(sighting)
        if content is None:
            return Fit.UNREADABLE, None
        result = _fit(tail, content)
        if result in {Fit.YES, Fit.SHORT}:
            return result, content
        if result is Fit.NOT_YET:
            self._open[tail.file_id, sighting] = (tail.position, content)
            self._used.add((tail.file_id, sighting))
        else:
            content.close()
            self._refused.add((tail.file_id, tail.position, sighting))
        return result, None

    def sweep(self) -> None:
        """End a review: what was not tried in it is not being tried any more."""
        for key in self._open.keys() - self._used:
            self._open.pop(key)[1].close()
        self._used.clear()
        if len(self._refused) > _REFUSALS_KEPT:
            self._refused.clear()

    def close(self) -> None:
        """Let go of all that is being tried."""
        self._used.clear()
        self.sweep()

    def _resume(self, tail: Tail, sighting: Sighting) -> Content | None:
        position, content = self._open.pop((tail.file_id, sighting), (-1, None))
        if content is not None and position != tail.position:
            content.close()
            return None
        return content


def _fit(tail: Tail, content: Content) -> Fit:
    try:
        reaches = content.reaches(tail.position)
    except CorruptError:
        return Fit.NO
    if reaches is None:
        return Fit.NOT_YET
    if not reaches:
        return Fit.SHORT
    return Fit.YES if is_marked(tail.marker, content.before(tail.position)) else Fit.NO


def head_of(content: Content) -> bytes | None:
    """Give the first bytes of a file, none when it is damaged right there; None when they can't be told yet."""
    try:
        return content.head()
    except CorruptError:
        return b""


def is_copy_of_open(content: Content, original: Content) -> bool | None:
    """Whether a file holds the same as a plain one that we have open, or the beginning of it.

    What is compared are the first 64 KiB and, of a plain file, its last bytes. None: it can't be told yet.
    """
    head, is_whole = _beginning(content)
    own = original.read_at(0, len(head) + 1)
    if own[: len(head)] != head:
        return False
    if not is_whole and content.is_compressed and len(head) < _COMPARED_BYTES:
        return None
    end = content.end()
    if content.is_compressed or end is None or end == 0:
        return True
    return content.before(end) == original.read_at(max(0, end - MARKER_BYTES), min(end, MARKER_BYTES))


def _beginning(content: Content) -> tuple[bytes, bool]:
    data = b""
    while len(data) < _COMPARED_BYTES:
        try:
            piece = content.read_at(len(data), _COMPARED_BYTES - len(data))
        except CorruptError:
            return data, True
        if not piece:
            return data, content.end() == len(data)
        data += piece
    return data, False
