"""How a deploy that has ended is told, to people and to machines."""

from __future__ import annotations

import pytest

from vawsum_agent.cli.deploy_result import document, lines, out_of_service_s
from vawsum_agent.deploy.machine import End, Phase, Step
from vawsum_agent.deploy.record import PLACE, RESTORED, Line, Record
from vawsum_agent.deploy.service.outage import Restored
from vawsum_agent.deploy.service.places import Place, Way

NEW, OLD = "20260202T000000Z-2222222", "20260101T000000Z-1111111"


def record(end: End, *notes: tuple[Step, Phase, str], previous: str = OLD, ended_at: float = 160.0) -> Record:
    """One that began at 100."""
    return Record(
        deploy_id="20261129T080000Z-0011aabb",
        app="web",
        kind="start",
        release=NEW,
        previous=previous,
        began_at=100.0,
        ended_at=ended_at,
        end=end,
        lines=[Line(step=step, phase=phase, at=100.0, text=text) for step, phase, text in notes],
    )


def test_deployed_after_a_crash() -> None:
    """It is deployed first of all; what happened on the way is no reason for a failure."""
    told = lines(record(End.DEPLOYED, (Step.RETURN, "interrupted", "the process was killed")))
    assert told[0] == f"deployed: web {NEW} in 1m"
    assert "  but: return interrupted: the process was killed" in told


def test_deployed_after_a_crash_is_no_failure_to_machines() -> None:
    """What watches `failed_step` is not alarmed; the crash is among the steps."""
    told = document(record(End.DEPLOYED, (Step.GUARD, "interrupted", "the process was killed")))
    assert (told["result"], told["failed_step"], told["error"]) == ("deployed", None, None)
    assert told["steps"][0]["text"] == "the process was killed"
    assert document(record(End.TAKEN_BACK, (Step.PROVE, "failed", "404")))["failed_step"] == Step.PROVE


def test_taken_back() -> None:
    """The first line says what is served, the second why."""
    failed: tuple[Step, Phase, str] = (Step.PROVE, "failed", "404")
    told = lines(record(End.TAKEN_BACK, failed))
    assert told[:2] == [f"TAKEN BACK: web {NEW} in 1m; {OLD} is served as before", "  why: prove failed: 404"]
    first = lines(record(End.TAKEN_BACK, failed, previous=""))
    assert first[0].endswith("; what was there before is served as before")


def test_a_clock_that_was_set_back() -> None:
    """It took no time, and not less than that."""
    assert document(record(End.DEPLOYED, ended_at=-500.0))["duration_s"] == 0.0


def test_stuck_where_nobody_knows() -> None:
    """A switch that failed, and could not be taken back, may have happened: no release is named for certain."""
    told = lines(record(End.STUCK, (Step.SWITCH, "failed", "EIO"), (Step.SWITCH_BACK, "failed", "EIO")))
    (line,) = [line for line in told if "current points to" in line]
    assert "as far as is known" in line
    assert OLD not in line


Moments = tuple[tuple[Step, Phase, float], ...]

LEFT: Moments = ((Step.DRAIN, "begun", 0), (Step.DRAIN, "done", 10))
REFUSED: Moments = ((Step.DRAIN, "begun", 0), (Step.DRAIN, "failed", 1))
BACK: Moments = ((Step.RETURN, "begun", 12), (Step.RETURN, "done", 20))


@pytest.mark.parametrize(
    ("moments", "was_away", "expected_s"),
    [
        ((*LEFT, *BACK), True, 20),
        ((*LEFT, (Step.RETURN, "begun", 12), (Step.RETURN, "interrupted", 60), (Step.RETURN, "done", 90)), False, 90),
        (
            (
                *LEFT,
                (Step.RETURN, "begun", 310),
                (Step.RETURN, "failed", 610),
                (Step.DRAIN_AGAIN, "begun", 611),
                (Step.DRAIN_AGAIN, "done", 640),
                (Step.RETURN_BACK, "begun", 930),
                (Step.RETURN_BACK, "done", 945),
            ),
            True,
            945,
        ),
        (
            (
                *LEFT,
                *BACK,
                (Step.DRAIN_AGAIN, "begun", 100),
                (Step.DRAIN_AGAIN, "interrupted", 150),
                (Step.DRAIN_AGAIN, "begun", 160),
                (Step.DRAIN_AGAIN, "done", 170),
                (Step.RETURN_BACK, "begun", 190),
                (Step.RETURN_BACK, "done", 200),
            ),
            True,
            120,
        ),
        ((*REFUSED, (Step.RETURN_BACK, "begun", 2), (Step.RETURN_BACK, "done", 5)), False, None),
        ((*REFUSED, (Step.RETURN_BACK, "begun", 2), (Step.RETURN_BACK, "done", 5)), True, 5),
        (
            (
                *REFUSED,
                (Step.RETURN_BACK, "begun", 2),
                (Step.RETURN_BACK, "interrupted", 3),
                (Step.RETURN_BACK, "begun", 4),
                (Step.RETURN_BACK, "done", 9),
            ),
            False,
            9,
        ),
        (
            (
                *LEFT,
                *BACK,
                (Step.DRAIN_AGAIN, "begun", 100),
                (Step.DRAIN_AGAIN, "failed", 101),
                (Step.RETURN_BACK, "begun", 110),
                (Step.RETURN_BACK, "done", 120),
            ),
            False,
            20,
        ),
        ((*LEFT, (Step.RETURN, "begun", -90), (Step.RETURN, "done", -60)), True, 0),
    ],
    ids=[
        "there and back",
        "a return that was cut off",
        "it can't come back with the release",
        "drained twice, and once cut off",
        "a drain that was refused",
        "a drain that failed amid it",
        "a return that was cut off after a drain that was refused",
        "a second drain that was refused",
        "a clock that was set back",
    ],
)
def test_how_long_it_was_out_of_service(moments: Moments, *, was_away: bool, expected_s: float | None) -> None:
    """From the first moment that it may have left until it is back, each time; None where it never left."""
    of = moved(moments, "standby", was_away=was_away)
    assert out_of_service_s(of) == expected_s
    assert any("out of service" in line for line in lines(of)) == bool(expected_s)


def test_never_out_of_service() -> None:
    """A host that is not drained, by configuration or for want of a load balancer, did not leave; nor one before."""
    assert document(moved((*LEFT, *BACK), "none", was_away=False))["out_of_service_s"] is None
    assert document(record(End.TAKEN_BACK, (Step.RECORD, "failed", "no")))["out_of_service_s"] is None


def moved(moments: Moments, way: Way, *, was_away: bool) -> Record:
    """One that left and came back at these moments."""
    found = record(End.TAKEN_BACK)
    found.lines = [Line(step=step, phase=phase, at=at) for step, phase, at in moments]
    found.remember(PLACE, Place(way=way, instance_id="i-me"))
    found.remember(RESTORED, Restored(outcome="in service", back_at=0.0, was_away=was_away))
    return found
