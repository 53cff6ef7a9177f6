"""How this host did before it was drained: what its new release is compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from vawsum_agent.core.errors import AgentError, DeployError
from vawsum_agent.core.traffic import Traffic
from vawsum_agent.deploy.guard.source import NOT_COUNTED, NOT_COUNTED_HINT, blindness

if TYPE_CHECKING:
    from vawsum_agent.core.clock import Clock
    from vawsum_agent.deploy.guard.source import TrafficSource

BASELINE_S = 600.0
_LATEST_S = 60.0


class Baseline(msgspec.Struct, frozen=True, kw_only=True):
    """Traffic of the minutes before a drain, for the journal. Moments are seconds since the epoch.

    Attributes:
        problem: why nothing is known; empty when ``traffic`` is what there was.
    """

    from_at: float
    until_at: float
    traffic: Traffic = Traffic()
    problem: str = ""


def take_baseline(source: TrafficSource, clock: Clock, *, not_before: float = 0.0) -> Baseline:
    """Ask for the ten minutes up to now. Changes nothing: it may be called again after a crash, before the drain.

    Args:
        source: counts.
        clock: the machine's.
        not_before: what was served earlier is no measure, such as a bad release that was just taken back.
    """
    until_at = clock.now()
    from_at = min(until_at, max(until_at - BASELINE_S, not_before))
    try:
        counted = source.ask(from_at, until_at)
    except AgentError as error:
        return Baseline(from_at=from_at, until_at=until_at, problem=str(error))
    # Counts that are behind are still a sample of before.
    problem = "" if counted.counted_until is not None else f"{NOT_COUNTED} ({NOT_COUNTED_HINT})"
    return Baseline(from_at=from_at, until_at=until_at, traffic=counted.traffic, problem=problem)


def require_guard(source: TrafficSource, clock: Clock) -> None:
    """Make sure, before anything begins, that somebody counts; for a guard that is ``required``.

    Raises:
        DeployError: nobody does, or not up to now.
    """
    now = clock.now()
    try:
        problem = blindness(source.ask(max(0.0, now - _LATEST_S), now), now)
    except AgentError as error:
        problem = str(error)
    if problem:
        message = f"the guard is required and would see nothing: {problem}"
        raise DeployError(message, hint="nothing has changed; mend that, or set guard.required = false")
