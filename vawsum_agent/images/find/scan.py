"""One scan of a folder: what is due, oldest first, and how much of everything there is."""

from __future__ import annotations

import heapq
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vawsum_agent.images.fingerprint import Fingerprint
from vawsum_agent.images.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from vawsum_agent.images.find.walk import Entry
    from vawsum_agent.images.inspect.rules import Rules

MOST_CANDIDATES = 50_000
MOST_PATH_BYTES = 16 << 20
"""What a selection may hold: the oldest that fit. What does not fit is met by the next scan."""

EXAMPLES = 3
"""Paths named for each reason."""


@dataclass(slots=True)
class Refusals:
    """What is left alone, by reason, with a few examples of each."""

    counts: Counter[Reason] = field(default_factory=Counter)
    examples: dict[Reason, list[bytes]] = field(default_factory=dict)

    def add(self, reason: Reason, path: bytes) -> None:
        """Count one more."""
        self.counts[reason] += 1
        named = self.examples.setdefault(reason, [])
        if len(named) < EXAMPLES:
            named.append(path)

    def merge(self, other: Refusals) -> None:
        """Add what another one counted."""
        self.counts.update(other.counts)
        for reason, paths in other.examples.items():
            named = self.examples.setdefault(reason, [])
            named.extend(paths[: EXAMPLES - len(named)])

    def copy(self) -> Refusals:
        """Give one that does not change any more."""
        return Refusals(self.counts.copy(), {reason: paths.copy() for reason, paths in self.examples.items()})


@dataclass(slots=True)
class Scan:
    """What one scan found.

    Attributes:
        due: the oldest files that may move, oldest first, as paths.
        due_count, due_bytes: of all files that may move, in ``due`` or not.
        largest: size and path of the largest of them.
        young_count, young_bytes: touched within `min_age`.
        next_due_ns: when the first of the young ones will be due; None without any.
        known_count: files that stay and are known to: copied ones, collisions.
        folders: subfolders walked.
    """

    due: list[bytes] = field(default_factory=list)
    due_count: int = 0
    due_bytes: int = 0
    largest: tuple[int, bytes] = (0, b"")
    young_count: int = 0
    young_bytes: int = 0
    next_due_ns: int | None = None
    known_count: int = 0
    refusals: Refusals = field(default_factory=Refusals)
    folders: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether ``due`` holds all that is due."""
        return len(self.due) == self.due_count


def scan(
    entries: Iterable[Entry],
    rules: Rules,
    now_ns: int,
    known: Callable[[bytes, Fingerprint], Reason | bool] | None = None,
    *,
    most: int = MOST_CANDIDATES,
) -> Scan:
    """Look at every entry and select the oldest that may move.

    Args:
        entries: of a walk.
        rules: of the folder.
        now_ns: wall time, nanoseconds since the epoch.
        known: tells of a file that is as it was when it was found to stay: True for one that is copied, the reason for
            one that is refused, False for one to be looked at. None when nothing is known.
        most: candidates to select.
    """
    found = Scan()
    oldest = _Oldest(most)
    for entry in entries:
        result = entry.found
        reason = entry.reason
        if result is None:
            found.refusals.add(reason or Reason.UNREADABLE, entry.path)
            continue
        reason = rules.refuse(entry.path, entry.name, result)
        if reason is not None:
            found.refusals.add(reason, entry.path)
            continue
        due_ns = rules.due_ns(result, now_ns)
        size = result.st_size
        if due_ns > now_ns:
            found.young_count += 1
            found.young_bytes += size
            if found.next_due_ns is None or due_ns < found.next_due_ns:
                found.next_due_ns = due_ns
            continue
        if known is not None and _stays(known, entry, found):
            continue
        found.due_count += 1
        found.due_bytes += size
        if size > found.largest[0]:
            found.largest = (size, entry.path)
        oldest.add(result.st_mtime_ns, entry.path)
    found.due = oldest.sorted()
    return found


def _stays(known: Callable[[bytes, Fingerprint], Reason | bool], entry: Entry, found: Scan) -> bool:
    assert entry.found is not None  # noqa: S101 - the caller looked
    verdict = known(entry.path, Fingerprint.of(entry.found))
    if isinstance(verdict, Reason):
        found.refusals.add(verdict, entry.path)
    elif verdict:
        found.known_count += 1
    return verdict is not False


class _Oldest:
    """The oldest few of many, in bounded memory."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._heap: list[tuple[int, bytes]] = []  # the youngest first, by negated time
        self._path_bytes = 0

    def add(self, modified_ns: int, path: bytes) -> None:
        """Take one more; the youngest goes when there are too many."""
        item = (-modified_ns, path)
        if len(self._heap) < self._most and self._path_bytes + len(path) <= MOST_PATH_BYTES:
            heapq.heappush(self._heap, item)
            self._path_bytes += len(path)
            return
        if not self._heap or item <= self._heap[0]:
            return
        gone = heapq.heapreplace(self._heap, item)
        self._path_bytes += len(path) - len(gone[1])
        while self._path_bytes > MOST_PATH_BYTES:
            self._path_bytes -= len(heapq.heappop(self._heap)[1])

    def sorted(self) -> list[bytes]:
        """Give the paths, oldest first."""
        self._heap.sort(reverse=True)
        return [path for _, path in self._heap]
