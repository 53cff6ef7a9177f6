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

Place = tuple[int, bytes]
"""Where a file stands in the order from old to young: its negated mtime and its path, of which greater ones come first.

A scan can begin after such a place: what was selected before is passed over, whatever became of it.
"""


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
        last: the place of the last of ``due`` in the order of all; None without any. See `scan`.
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
    last: Place | None = None

    @property
    def left_out_count(self) -> int:
        """How many of those that are due did not fit into ``due``."""
        return self.due_count - len(self.due)

    @property
    def is_whole(self) -> bool:
        """Whether ``due`` holds all that is due."""
        return not self.left_out_count


def scan(
    entries: Iterable[Entry],
    rules: Rules,
    now_ns: int,
    known: Callable[[bytes, Fingerprint], Reason | bool] | None = None,
    *,
    after: Place | None = None,
    most: int = MOST_CANDIDATES,
    most_path_bytes: int = MOST_PATH_BYTES,
) -> Scan:
    """Look at every entry and select the oldest that may move.

    Args:
        entries: of a walk.
        rules: of the folder.
        now_ns: wall time, nanoseconds since the epoch.
        known: tells of a file that is as it was when it was found to stay: True for one that is copied, the reason for
            one that is refused, False for one to be looked at. None when nothing is known.
        after: the `Scan.last` of the scan before: what comes up to there neither counts as due nor is selected.
        most: candidates to select.
        most_path_bytes: the same, by what their paths take.
    """
    found = Scan()
    oldest = _Oldest(most, most_path_bytes)
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
        place = (-result.st_mtime_ns, entry.path)
        if after is not None and place >= after:
            continue
        found.due_count += 1
        found.due_bytes += size
        if size > found.largest[0]:
            found.largest = (size, entry.path)
        oldest.add(place)
    found.due, found.last = oldest.sorted()
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
    """The oldest few of many, in bounded memory: none is left out that is older than one that is in."""

    def __init__(self, most: int, most_path_bytes: int) -> None:
        self._most = most
        self._most_path_bytes = most_path_bytes
        self._heap: list[Place] = []  # the youngest first
        self._path_bytes = 0
        self._left_out: Place | None = None  # the oldest of these

    def add(self, item: Place) -> None:
        """Take one more; the youngest go when there are too many."""
        if self._left_out is not None and item < self._left_out:
            return
        heapq.heappush(self._heap, item)
        self._path_bytes += len(item[1])
        while len(self._heap) > self._most or self._path_bytes > self._most_path_bytes:
            self._left_out = heapq.heappop(self._heap)
            self._path_bytes -= len(self._left_out[1])

    def sorted(self) -> tuple[list[bytes], Place | None]:
        """Give the paths, oldest first, and the place of the last."""
        self._heap.sort(reverse=True)
        return [path for _, path in self._heap], self._heap[-1] if self._heap else None
