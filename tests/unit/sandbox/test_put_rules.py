"""PutLogEvents refuses what CloudWatch refuses, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.aws.answers import ServiceError
from sandbox.aws.put_rules import (
    BATCH_LIMIT_BYTES,
    BATCH_LIMIT_COUNT,
    DAY_MS,
    EVENT_OVERHEAD_BYTES,
    SPAN_LIMIT_MS,
    TOO_NEW_MS,
    TOO_OLD_MS,
    check_batch,
    judge,
)

NOW = 1_700_000_000_000


def event(timestamp: object = NOW, message: object = "x") -> dict[str, object]:
    """Return a log event as a client sends it."""
    return {"timestamp": timestamp, "message": message}


def refusal(events: object) -> ServiceError:
    """Return the error that refuses these events."""
    with pytest.raises(ServiceError) as caught:
        check_batch(events)
    return caught.value


@pytest.mark.parametrize(
    ("events", "part"),
    [
        (None, "must not be null"),
        ("text", "must be a list"),
        ([], "greater than or equal to 1"),
        ([event()] * (BATCH_LIMIT_COUNT + 1), "less than or equal to 10000"),
        ([event(message="x" * (BATCH_LIMIT_BYTES - EVENT_OVERHEAD_BYTES + 1))], "Log event too large: 1048577 bytes"),
        ([event(message="x" * 524_262), event(message="x" * 524_263)], "Upload too large: 1048577 bytes"),
        ([event(NOW), event(NOW - 1)], "chronological order"),
        ([event(NOW), event(NOW + SPAN_LIMIT_MS + 1)], "cannot span more than 24 hours"),
        ([event(message="")], "logEvents.1.member.message"),
        ([event(), event("1")], "logEvents.2.member.timestamp"),
        ([event(1.5)], "not a number of milliseconds"),
        ([event(True)], "not a number of milliseconds"),  # noqa: FBT003 - a bool is the point
        ([event(-1)], "greater than or equal to 0"),
        ([event(message=7)], "not a string"),
        ([event(message="\ud800")], "lone surrogate"),
        (["text"], "must not be null"),
    ],
)
def test_whole_batch_is_refused(events: object, part: str) -> None:
    """A batch that breaks any rule is refused whole, in the service's words, and counts as a violation."""
    error = refusal(events)
    assert (error.code, error.status, error.is_violation) == ("InvalidParameterException", 400, True)
    assert part in error.message


@pytest.mark.parametrize(
    "events",
    [
        [event()] * BATCH_LIMIT_COUNT,
        [event(message="x" * (BATCH_LIMIT_BYTES - EVENT_OVERHEAD_BYTES))],
        [event(message="ü" * ((BATCH_LIMIT_BYTES - EVENT_OVERHEAD_BYTES) // 2))],
        [event(NOW), event(NOW), event(NOW + SPAN_LIMIT_MS)],
        [event(message="\0")],
    ],
)
def test_limits_themselves_are_accepted(events: list[dict[str, Any]]) -> None:
    """What lies exactly on a limit is within it; sizes are counted in UTF-8."""
    assert len(check_batch(events).messages) == len(events)


def test_size_counts_utf8_bytes() -> None:
    """A message of two-byte characters weighs twice its length."""
    assert "too large" in refusal([event(message="ü" * (BATCH_LIMIT_BYTES // 2))]).message


def test_too_old_and_too_new_are_given_as_indexes() -> None:
    """The end of the too old is exclusive, the start of the too new inclusive, and the limits themselves are fine."""
    timestamps = [NOW - TOO_OLD_MS - 1, NOW - TOO_OLD_MS, NOW, NOW + TOO_NEW_MS, NOW + TOO_NEW_MS + 1]
    verdict = judge(timestamps, NOW, None)
    assert verdict.rejected == {"tooOldLogEventEndIndex": 1, "tooNewLogEventStartIndex": 4}
    assert (verdict.first, verdict.last) == (1, 4)


def test_retention_shorter_than_14_days_expires_events() -> None:
    """Events older than the group keeps them are expired; those too old anyway are named as both."""
    timestamps = [NOW - 15 * DAY_MS, NOW - 4 * DAY_MS, NOW - 3 * DAY_MS, NOW]
    verdict = judge(timestamps, NOW, 3)
    assert verdict.rejected == {"tooOldLogEventEndIndex": 1, "expiredLogEventEndIndex": 2}
    assert (verdict.first, verdict.last) == (2, 4)


def test_batch_of_only_too_new_events_stores_nothing() -> None:
    """Index 0 is a real index, not a missing one."""
    assert judge([NOW + TOO_NEW_MS + 1], NOW, None).rejected == {"tooNewLogEventStartIndex": 0}


@given(
    st.lists(st.integers(NOW - 20 * DAY_MS, NOW + DAY_MS), min_size=1).map(sorted), st.sampled_from([None, 1, 7, 30])
)
def test_stored_events_are_exactly_those_within_all_limits(timestamps: list[int], retention: int | None) -> None:
    """Indexes and a look at each event alone agree."""
    oldest = NOW - min(TOO_OLD_MS, retention * DAY_MS if retention else TOO_OLD_MS)
    verdict = judge(timestamps, NOW, retention)
    assert timestamps[verdict.first : verdict.last] == [one for one in timestamps if oldest <= one <= NOW + TOO_NEW_MS]
