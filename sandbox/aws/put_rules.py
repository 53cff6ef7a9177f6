"""The rules of PutLogEvents, as pure functions: what refuses a whole batch, and which events are refused one by one.

Source: the API reference of PutLogEvents and the service's own messages. Nothing is stored here.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass

from sandbox.aws.answers import invalid

BATCH_LIMIT_BYTES = 1_048_576
BATCH_LIMIT_COUNT = 10_000
EVENT_LIMIT_BYTES = 1_048_576
EVENT_OVERHEAD_BYTES = 26
SPAN_LIMIT_MS = 24 * 3600 * 1000
TOO_OLD_MS = 14 * 24 * 3600 * 1000
TOO_NEW_MS = 2 * 3600 * 1000
DAY_MS = 24 * 3600 * 1000


@dataclass(frozen=True, slots=True)
class Batch:
    """The events of one request, each within the rules: timestamps ascending, messages as UTF-8."""

    timestamps: list[int]
    messages: list[bytes]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Which events of a batch are stored, `[first, last)`, and what the answer says about the others."""

    first: int
    last: int
    rejected: dict[str, int]


def check_batch(events: object) -> Batch:
    """Check ``logEvents`` of a request; raises the error that refuses the whole batch."""
    if events is None:
        raise invalid(_constraint("null", "logEvents", "Member must not be null"))
    if not isinstance(events, list):
        raise invalid("logEvents must be a list")
    if not events:
        raise invalid(_constraint("[]", "logEvents", "Member must have length greater than or equal to 1"))
    if len(events) > BATCH_LIMIT_COUNT:
        text = f"Member must have length less than or equal to {BATCH_LIMIT_COUNT}"
        raise invalid(_constraint(f"[{len(events)} log events]", "logEvents", text))
    timestamps: list[int] = []
    messages: list[bytes] = []
    for index, event in enumerate(events):
        timestamp, message = _check_event(index, event)
        timestamps.append(timestamp)
        messages.append(message)
    _check_sizes(messages)
    _check_order(timestamps)
    return Batch(timestamps, messages)


def _check_event(index: int, event: object) -> tuple[int, bytes]:
    where = f"logEvents.{index + 1}.member"
    if not isinstance(event, dict):
        raise invalid(_constraint("null", where, "Member must not be null"))
    timestamp = event.get("timestamp")
    if type(timestamp) is not int:  # a bool is an int to isinstance, not to the service
        raise invalid(f"Value {timestamp!r:.80} at '{where}.timestamp' is not a number of milliseconds")
    if timestamp < 0:
        text = "Member must have value greater than or equal to 0"
        raise invalid(_constraint(str(timestamp), f"{where}.timestamp", text))
    message = event.get("message")
    if not isinstance(message, str):
        raise invalid(f"Value of type {type(message).__name__} at '{where}.message' is not a string")
    if not message:
        text = "Member must have length greater than or equal to 1"
        raise invalid(_constraint("", f"{where}.message", text))
    try:
        return timestamp, message.encode()
    except UnicodeEncodeError as exc:
        text = f"Value at '{where}.message' holds a lone surrogate"
        raise invalid(text) from exc


def _constraint(value: str, where: str, text: str) -> str:
    return f"1 validation error detected: Value '{value}' at '{where}' failed to satisfy constraint: {text}"


def _check_sizes(messages: list[bytes]) -> None:
    largest = max(map(len, messages)) + EVENT_OVERHEAD_BYTES
    if largest > EVENT_LIMIT_BYTES:
        raise invalid(f"Log event too large: {largest} bytes exceeds limit of {EVENT_LIMIT_BYTES}")
    total = sum(map(len, messages)) + EVENT_OVERHEAD_BYTES * len(messages)
    if total > BATCH_LIMIT_BYTES:
        raise invalid(f"Upload too large: {total} bytes exceeds limit of {BATCH_LIMIT_BYTES}")


def _check_order(timestamps: list[int]) -> None:
    if sorted(timestamps) != timestamps:
        raise invalid("Log events in a single PutLogEvents request must be in chronological order.")
    if timestamps[-1] - timestamps[0] > SPAN_LIMIT_MS:
        raise invalid("The batch of log events in a single PutLogEvents request cannot span more than 24 hours.")


def judge(timestamps: list[int], now_ms: int, retention_days: int | None) -> Verdict:
    """Tell which events of a correct batch are stored.

    The ends in ``rejectedLogEventsInfo`` are exclusive, the start is inclusive.
    """
    rejected: dict[str, int] = {}
    first = bisect_left(timestamps, now_ms - TOO_OLD_MS)
    if first:
        rejected["tooOldLogEventEndIndex"] = first
    if retention_days is not None and retention_days * DAY_MS < TOO_OLD_MS:
        expired = bisect_left(timestamps, now_ms - retention_days * DAY_MS)
        if expired:
            rejected["expiredLogEventEndIndex"] = expired
            first = max(first, expired)
    last = bisect_right(timestamps, now_ms + TOO_NEW_MS)
    if last < len(timestamps):
        rejected["tooNewLogEventStartIndex"] = last
    return Verdict(first, max(first, last), rejected)
