"""What health checks make of a target. Pure: a probe's outcome comes in, the target's health comes out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

State = Literal["initial", "healthy", "unhealthy", "unhealthy.draining", "unused", "draining", "unavailable"]

ROUTED_STATES = frozenset[State]({"healthy", "unavailable"})
"""Who gets requests while there is anybody of these."""
LAST_RESORT_STATES = frozenset[State]({"initial", "unhealthy"})
"""Who gets them otherwise: a balancer that knows only of unhealthy targets fails open."""


@dataclass(frozen=True, slots=True)
class Health:
    """A target's health, in the service's words, and how many probes in a row have ended the same way."""

    state: State
    reason: str = ""
    description: str = ""
    passed_count: int = 0
    failed_count: int = 0


class Outcome(NamedTuple):
    """How a probe ended: with a status, or with `Target.Timeout` or `Target.FailedHealthChecks`."""

    status: int = 0
    problem: str = ""


REGISTERING = Health("initial", "Elb.RegistrationInProgress", "Target registration is in progress")
DRAINING = Health("draining", "Target.DeregistrationInProgress", "Target deregistration is in progress")
NOT_REGISTERED = Health("unused", "Target.NotRegistered", "Target is not registered to the target group")
NOT_IN_USE = Health(
    "unused", "Target.NotInUse", "Target group is not configured to receive traffic from the load balancer"
)
_CHECKING = Health("initial", "Elb.InitialHealthChecking", "Initial health checks in progress")
_DESCRIPTIONS = {"Target.Timeout": "Request timed out", "Target.FailedHealthChecks": "Health checks failed"}


def after_probe(
    health: Health, outcome: Outcome, *, matcher: str, healthy_threshold_count: int, unhealthy_threshold_count: int
) -> Health:
    """Return a target's health after a probe.

    A target that is new becomes healthy with its first success; one that was unhealthy needs as many in a row as the
    threshold says (ELB: *Health checks for your target groups*).
    """
    if not outcome.problem and matches(matcher, outcome.status):
        passed = health.passed_count + 1
        if health.state == "unhealthy" and passed < healthy_threshold_count:
            return replace(health, passed_count=passed, failed_count=0)
        return Health("healthy", passed_count=passed)
    failed = health.failed_count + 1
    if health.state != "unhealthy" and failed < unhealthy_threshold_count:
        base = _CHECKING if health.state == "initial" else health
        return replace(base, passed_count=0, failed_count=failed)
    reason = outcome.problem or "Target.ResponseCodeMismatch"
    text = _DESCRIPTIONS.get(reason, f"Health checks failed with these codes: [{outcome.status}]")
    return Health("unhealthy", reason, text, failed_count=failed)


def matches(matcher: str, status: int) -> bool:
    """Whether a matcher such as `200`, `200,302` or `200-299` covers a status."""
    for part in matcher.split(","):
        first, _, last = part.partition("-")
        if int(first) <= status <= int(last or first):
            return True
    return False
