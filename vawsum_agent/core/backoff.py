"""How long to wait before the next attempt. Pure: the dice are the caller's, and so are the bounds."""

from __future__ import annotations

_MOST_DOUBLINGS = 64


def backoff_s(attempt: int, spread: float, *, first_s: float, longest_s: float) -> float:
    """Double from ``first_s`` to ``longest_s``, less up to half by ``spread``.

    The spread keeps a thousand hosts, throttled in the same second, from coming back in the same second.

    Args:
        attempt: 0 for the first repetition.
        spread: a random number in [0, 1).
        first_s: the longest wait before the first repetition.
        longest_s: the longest wait at all.
    """
    return min(longest_s, first_s * 2.0 ** min(attempt, _MOST_DOUBLINGS)) * (1.0 - spread / 2)
