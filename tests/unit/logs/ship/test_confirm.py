"""Deciding from what a stream shows whether a request arrived."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from vawsum_agent.logs.ship.confirm import Text, may_be_refused, missing_events

EVENT = st.tuples(st.integers(0, 3), st.sampled_from("abc"))
EVENTS = st.lists(EVENT, max_size=6)


@given(st.lists(EVENTS, max_size=3), EVENTS, EVENTS)
def test_everything_there_is_nothing_missing(
    undecided: list[list[Text]], before: list[Text], others: list[Text]
) -> None:
    """Events that all arrived are all found, whatever else the stream holds."""
    seen = Counter(before) + Counter(others)
    for events in undecided:
        seen.update(events)
    assert missing_events(undecided, before, seen) == [[] for _ in undecided]


@given(EVENTS, EVENTS)
def test_identical_events_of_earlier_batches_prove_nothing(events: list[Text], before: list[Text]) -> None:
    """With only the earlier batches' events in the stream, all of a request is missing."""
    assert missing_events([events], before, Counter(before)) == [list(range(len(events)))]


def test_part_that_arrived_is_told_from_the_rest() -> None:
    """A request that was divided and interrupted: what went through is not sent again."""
    events = [(1, "a"), (1, "a"), (2, "b")]
    assert missing_events([events], [], Counter({(1, "a"): 1})) == [[1, 2]]


def test_absence_of_what_may_be_refused_means_nothing() -> None:
    """Events near the bounds of what the service takes may be absent though their request arrived."""
    day = 86_400_000
    assert may_be_refused(0, 14 * day, too_old_ms=14 * day, too_new_ms=7_200_000)
    assert may_be_refused(7_200_000, 0, too_old_ms=14 * day, too_new_ms=7_200_000)
    assert not may_be_refused(0, day, too_old_ms=14 * day, too_new_ms=7_200_000)
