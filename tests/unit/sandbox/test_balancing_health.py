"""Health checks make of a target what the load balancer would."""

from __future__ import annotations

import pytest

from sandbox.aws.balancing.health import REGISTERING, Health, Outcome, after_probe, matches

OK, ERROR, SILENCE = Outcome(200), Outcome(503), Outcome(problem="Target.Timeout")


def after(*outcomes: Outcome, start: Health = REGISTERING) -> Health:
    """Return a target's health after these probes, with three successes or two failures as thresholds."""
    health = start
    for outcome in outcomes:
        health = after_probe(health, outcome, matcher="200-299", healthy_threshold_count=3, unhealthy_threshold_count=2)
    return health


@pytest.mark.parametrize(
    ("outcomes", "state", "reason"),
    [
        ([], "initial", "Elb.RegistrationInProgress"),
        ([OK], "healthy", ""),
        ([ERROR], "initial", "Elb.InitialHealthChecking"),
        ([ERROR, OK], "healthy", ""),
        ([ERROR, ERROR], "unhealthy", "Target.ResponseCodeMismatch"),
        ([SILENCE, SILENCE], "unhealthy", "Target.Timeout"),
        ([OK, ERROR], "healthy", ""),
        ([OK, ERROR, OK, ERROR], "healthy", ""),
        ([OK, ERROR, SILENCE], "unhealthy", "Target.Timeout"),
        ([ERROR, ERROR, OK, OK], "unhealthy", "Target.ResponseCodeMismatch"),
        ([ERROR, ERROR, OK, OK, OK], "healthy", ""),
        ([ERROR, ERROR, OK, OK, ERROR, OK, OK], "unhealthy", "Target.ResponseCodeMismatch"),
    ],
)
def test_thresholds(outcomes: list[Outcome], state: str, reason: str) -> None:
    """A new target is healthy with its first success; others need as many in a row as the thresholds say."""
    health = after(*outcomes)
    assert (health.state, health.reason) == (state, reason)


def test_descriptions_name_the_status() -> None:
    """Who looks for why a target is unhealthy finds what it answered; who is healthy needs no words."""
    assert after(ERROR, ERROR).description == "Health checks failed with these codes: [503]"
    assert after(SILENCE, SILENCE).description == "Request timed out"
    assert after(OK).description == ""


@pytest.mark.parametrize(
    ("matcher", "status", "is_covered"),
    [
        ("200", 200, True),
        ("200", 204, False),
        ("200,302", 302, True),
        ("200-299,404", 250, True),
        ("200-299", 300, False),
    ],
)
def test_matchers(matcher: str, status: int, *, is_covered: bool) -> None:
    """Statuses are named one by one or as ranges."""
    assert matches(matcher, status) is is_covered
