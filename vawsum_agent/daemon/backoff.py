"""How long to wait before the next attempt. Pure."""

from __future__ import annotations

FIRST_S = 1.0
LONGEST_S = 300.0


def backoff_s(attempt: int, spread: float) -> float:
    """Double from a second to five minutes, less up to half by ``spread``, so that a fleet does not act in step.

    Args:
        attempt: 0 for the first repetition.
        spread: a random number in [0, 1).
    """
    return float(min(LONGEST_S, FIRST_S * 2 ** min(attempt, 30)) * (1.0 - spread / 2))
