"""Who reads first: the generations of a log go in the order of their age.

The stream shows lines of one second in the order in which they were accepted, and a rotation falls into a second.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from vawsum_agent.logs.follow.tail import Tail

_PATIENCE_S = 15.0
"""How long a younger generation waits for an older one that makes no progress: it may be unreadable, or looked for."""


class Place:
    """The place of one generation behind the older ones of its log.

    Attributes:
        older: those before it, oldest first; one that is finished by now has nothing to read.
    """

    def __init__(self) -> None:
        self.older: Sequence[Tail] = ()
        self._seen = (0, -1)
        self._seen_at = 0.0

    def waits(self, now: float) -> bool:
        """Whether an older generation has something to read, and still gets on with it."""
        first = next((tail for tail in self.older if tail.unread_bytes() != 0), None)
        if first is None:
            return False
        if self._seen != (first.file_id, first.position):
            self._seen = (first.file_id, first.position)
            self._seen_at = now
        return now - self._seen_at < _PATIENCE_S


def older_ones(tails: Iterable[Tail]) -> dict[int, Sequence[Tail]]:
    """Give, by file_id, the older generations of each one's log; of those alone that have any."""
    by_path: dict[str, list[Tail]] = {}
    older: dict[int, Sequence[Tail]] = {}
    for tail in tails:
        before = by_path.setdefault(tail.record.path, [])
        if before:
            older[tail.file_id] = tuple(before)
        before.append(tail)
    return older
