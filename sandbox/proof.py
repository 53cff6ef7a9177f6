"""What was written against what arrived: lost, twice, merged or cut, out of order. Pure; reads no service."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sandbox.client import Sandbox
    from sandbox.records import Event

_ID = re.compile(r"\bid=([0-9A-Za-z-]+)")


def find_ids(message: str) -> Sequence[str]:
    """Return the ids in a message of the form `… id=000123 …`."""
    return _ID.findall(message)


@dataclass(frozen=True, slots=True)
class Proof:
    """The comparison.

    Attributes:
        written: how many entries were written.
        arrived: how many events arrived that carry an id.
        lost: ids written and in no event.
        twice: ids in more than one event.
        mangled: messages that hold several ids, an id never written, or another text than was written.
        out_of_order: events that stand behind a later written one of the same stream, part and timestamp.
        foreign: messages without any id, such as a server's own notices.
        violations: requests that broke a rule of the service.
    """

    written: int
    arrived: int
    lost: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    mangled: list[str] = field(default_factory=list)
    out_of_order: int = 0
    foreign: list[str] = field(default_factory=list)
    violations: int = 0

    @property
    def is_clean(self) -> bool:
        """Whether everything arrived exactly once, whole, by correct requests, and anything was written at all."""
        return self.written > 0 and not (self.lost or self.twice or self.mangled or self.violations)

    def __str__(self) -> str:
        return (
            f"written {self.written}, arrived {self.arrived}, lost {len(self.lost)}, twice {len(self.twice)}, "
            f"merged or cut {len(self.mangled)}, out of order {self.out_of_order}, violations {self.violations}"
        )


def prove(
    written: Mapping[str, str | None] | Iterable[str],
    arrived: Iterable[tuple[str, Event]],
    *,
    ids: Callable[[str], Sequence[str]] = find_ids,
    parts: Mapping[str, int] | None = None,
    violations: int = 0,
) -> Proof:
    """Compare.

    Args:
        written: ids in the order of writing, or a mapping from id to the exact text (None where only the id is known).
        arrived: (stream, event), each stream's events in the service's order.
        ids: finds the ids in a message.
        parts: the part of the writing an id belongs to, such as one file of several that were written at once; between
            parts no order is known, so none is compared.
        violations: how many requests the service refused as invalid.
    """
    texts: dict[str, str | None] = dict(written) if isinstance(written, Mapping) else dict.fromkeys(written)
    position = {key: number for number, key in enumerate(texts)}
    seen: Counter[str] = Counter()
    mangled, foreign = [], []
    latest: dict[tuple[str, int], tuple[int, int]] = {}
    with_id = out_of_order = 0
    for stream, event in arrived:
        found = ids(event.message)
        if not found:
            foreign.append(event.message)
            continue
        with_id += 1
        seen.update(key for key in set(found) if key in texts)
        if not _is_whole(event.message, found, texts):
            mangled.append(event.message)
            continue
        place = (event.timestamp, position[found[0]])
        lane = (stream, parts.get(found[0], 0) if parts else 0)
        before = latest.get(lane, place)
        if before[0] == place[0] and place[1] < before[1]:
            out_of_order += 1
        latest[lane] = max(before, place)
    return Proof(
        written=len(texts),
        arrived=with_id,
        lost=[key for key in texts if key not in seen],
        twice=[key for key, count in seen.items() if count > 1],
        mangled=mangled,
        out_of_order=out_of_order,
        foreign=foreign,
        violations=violations,
    )


def _is_whole(message: str, found: Sequence[str], texts: Mapping[str, str | None]) -> bool:
    key = found[0]
    if key not in texts or len(set(found)) > 1:
        return False
    text = texts[key]
    return text is None or text == message


def prove_sandbox(
    sandbox: Sandbox,
    written: Mapping[str, str | None] | Iterable[str],
    *,
    group: str | None = None,
    ids: Callable[[str], Sequence[str]] = find_ids,
    parts: Mapping[str, int] | None = None,
) -> Proof:
    """Compare what was written with all that a sandbox accepted, in all groups or in one."""
    arrived = ((f"{name}:{stream}", event) for name, stream, event in sandbox.all_events(group))
    return prove(written, arrived, ids=ids, parts=parts, violations=len(sandbox.violations()))
