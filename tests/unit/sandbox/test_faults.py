"""Faults strike the requests they name, as often as they say, and the same way each time."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.aws.faults import FaultPlan, read_fault


def plan_of(*rules: dict[str, Any], seed: int = 1) -> FaultPlan:
    """Return a plan with these rules."""
    plan = FaultPlan(seed)
    for rule in rules:
        plan.add(read_fault(rule))
    return plan


def test_rate_is_kept_and_repeatable() -> None:
    """A rate of 0.2 strikes about a fifth of the requests, and the same ones with the same seed."""
    runs = []
    for _ in range(2):
        plan = plan_of({"kind": "throttle", "rate": 0.2}, seed=7)
        runs.append([plan.draw(("throttle",), "logs", "PutLogEvents", "g") is not None for _ in range(2000)])
    assert runs[0] == runs[1]
    assert 0.17 < sum(runs[0]) / 2000 < 0.23


def test_rule_strikes_only_what_it_names() -> None:
    """Operation, service and group are globs."""
    plan = plan_of({"kind": "throttle", "operation": "Put*", "group": "/a/*"}, {"kind": "failure", "operation": "s3:*"})
    assert plan.draw(("throttle",), "logs", "PutLogEvents", "/a/x")
    assert not plan.draw(("throttle",), "logs", "PutLogEvents", "/b/x")
    assert not plan.draw(("throttle",), "logs", "GetLogEvents", "/a/x")
    assert not plan.draw(("failure",), "logs", "PUT", "")
    assert plan.draw(("failure",), "s3", "PUT", "")


def test_count_limits_the_strikes() -> None:
    """`count: 2` strikes twice and then never again."""
    plan = plan_of({"kind": "reset_after", "count": 2})
    assert [plan.draw(("reset_after",), "logs", "PutLogEvents") is not None for _ in range(4)] == [
        True, True, False, False,
    ]  # fmt: skip
    assert plan.live() == []


def test_clearing_lifts_one_rule_or_all() -> None:
    """Rules are lifted by number, or all at once."""
    plan = plan_of({"kind": "throttle"}, {"kind": "failure"})
    plan.clear(1)
    assert [rule["kind"] for rule in plan.live()] == ["failure"]
    plan.clear()
    assert plan.live() == []


def test_poison_strikes_batches_that_hold_the_text() -> None:
    """Only a batch with the text in one of its messages is refused."""
    plan = plan_of({"kind": "poison", "text": "bad", "operation": "PutLogEvents"})
    assert plan.poison_in("PutLogEvents", "g", ["good", "so bad it is"])
    assert not plan.poison_in("PutLogEvents", "g", ["good"])


@pytest.mark.parametrize(
    ("rule", "part"),
    [
        ({"kind": "nonsense"}, "unknown kind"),
        ({"kind": "throttle", "rat": 0.2}, "unknown keys"),
        ({"kind": "throttle", "rate": 20}, "not between 0 and 1"),
        ({"kind": "reset", "group": "/a"}, "use drop"),
        ({"kind": "poison"}, "needs a text"),
    ],
)
def test_rules_that_make_no_sense_are_refused(rule: dict[str, Any], part: str) -> None:
    """A mistyped fault would make a test pass for the wrong reason, so it is an error."""
    with pytest.raises(ValueError, match=part):
        read_fault(rule)
