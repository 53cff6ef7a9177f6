"""When to look at a folder again. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from vawsum_agent.core.backoff import backoff_s

SCAN_SHARE = 0.02
"""Of a core that scanning may cost: a folder that takes 12 s to walk is walked every ten minutes."""

LONGEST_S = 900.0
"""Events get lost silently; however quiet a folder seems, it is looked at this often."""

_FIRST_RETRY_S = 1.0
_LONGEST_RETRY_S = 60.0


@dataclass(frozen=True, slots=True)
class LastScan:
    """What matters of the last look at a folder.

    Attributes:
        took_s: how long it took.
        next_due_s: how long until the first young file is due; None without any.
        is_watched: whether events would tell of anything new.
    """

    took_s: float
    next_due_s: float | None
    is_watched: bool


def pace_s(interval_s: float, took_s: float) -> float:
    """Tell how far scans must lie apart: as configured, further where they take long."""
    return max(interval_s, min(took_s / SCAN_SHARE, LONGEST_S))


def wait_s(interval_s: float, last: LastScan) -> float:
    """Tell how long to wait after a scan, unless an event shortens it.

    Where events would tell of what is new, nothing is to be found before the first young file is due.

    Args:
        interval_s: as configured.
        last: the scan that just ended.
    """
    shortest_s = pace_s(interval_s, last.took_s)
    if not last.is_watched:
        return shortest_s
    return max(shortest_s, min(LONGEST_S, LONGEST_S if last.next_due_s is None else last.next_due_s))


def after_event_s(interval_s: float, took_s: float, min_age_s: float) -> float:
    """Tell how long after an event to look: what it told of is not due before it is `min_age` old."""
    return min(LONGEST_S, max(pace_s(interval_s, took_s), min_age_s))


def retry_s(attempt: int, spread: float) -> float:
    """Tell how long to wait after a failure: doubling from a second to a minute, less up to half by ``spread``.

    Args:
        attempt: 0 after the first failure.
        spread: a random number in [0, 1).
    """
    return backoff_s(attempt, spread, first_s=_FIRST_RETRY_S, longest_s=_LONGEST_RETRY_S)
