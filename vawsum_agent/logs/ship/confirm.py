"""Decides whether an undecided request arrived, from what its stream shows. Pure.

The question is asked event by event: which of them are missing? Identical lines exist, so all is counted in multisets
of (time, message), and what earlier batches put there is subtracted first. A request is taken whole or not at all: if
one event is missing in the end, all are, and those that seem to be there are others' identical lines. Only a request
that was divided, to find a poisoned event, may have arrived in part.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Text = tuple[int, str]
"""A log event as (milliseconds, message)."""

Span = tuple[int, int]
"""The first and last millisecond of a batch."""


def missing_events(
    undecided: Sequence[Sequence[Text]], accepted_before: Iterable[Text], seen: Mapping[Text, int]
) -> list[list[int]]:
    """Find the events of each undecided request that the stream does not hold.

    Args:
        undecided: the events of all undecided requests of one stream, which share no time with each other.
        accepted_before: events of accepted batches in the same span of time.
        seen: how often the stream shows each event.

    Returns:
        For each request the indexes of its missing events; none missing means that it arrived.
    """
    left = Counter(seen)
    left.subtract(Counter(accepted_before))
    missing = []
    for events in undecided:
        absent = []
        for index, event in enumerate(events):
            if left[event] > 0:
                left[event] -= 1
            else:
                absent.append(index)
        missing.append(absent)
    return missing


def is_doubtful(events: Sequence[Text], unknown: Iterable[Span]) -> bool:
    """Whether finding the events of a request proves nothing.

    So it is where all of them are alike and an accepted batch of the same moment can't be read again to see whether
    it held the same: health checks around a rotation, say.
    """
    return len(set(events)) == 1 and any(first <= events[0][0] <= last for first, last in unknown)


def may_be_refused(time_ms: int, now_ms: int, *, too_old_ms: int, too_new_ms: int, slack_ms: int = 600_000) -> bool:
    """Whether an event's absence means nothing, since the service may have refused it for its time alone."""
    return time_ms < now_ms - too_old_ms + slack_ms or time_ms > now_ms + too_new_ms - slack_ms
