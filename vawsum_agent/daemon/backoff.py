"""How long to wait before a component is built anew. Pure."""

from __future__ import annotations

from vawsum_agent.core import backoff

FIRST_S = 1.0
LONGEST_S = 300.0


def backoff_s(attempt: int, spread: float) -> float:
    """Double from a second to five minutes, less up to half by ``spread``, so that a fleet does not act in step.

    Args:
        attempt: 0 for the first repetition.
        spread: a random number in [0, 1).
    """
    return backoff.backoff_s(attempt, spread, first_s=FIRST_S, longest_s=LONGEST_S)
