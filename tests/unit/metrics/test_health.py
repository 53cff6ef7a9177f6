"""What the metrics capability says of itself."""

from __future__ import annotations

from typing import Any

from vawsum_agent.core.component import State
from vawsum_agent.core.errors import AccessDenied, AgentError
from vawsum_agent.metrics.clock_jumps import Jump
from vawsum_agent.metrics.health import Note, notes, state_of
from vawsum_agent.metrics.publish.publisher import Progress
from vawsum_agent.state.metric_spool import Waiting

WELL: dict[str, Any] = {
    "now": 1000.0,
    "progress": Progress(),
    "source_errors": {},
    "store_error": None,
    "placing": None,
    "waiting": Waiting(0, 0, 0),
    "limit_bytes": 1000,
    "jump": None,
}


def told(**changes: object) -> list[Note]:
    """Return the notes of what is well but for the changes."""
    return notes(**{**WELL, **changes})


def test_nothing_to_tell() -> None:
    """A capability that is well says nothing."""
    assert told() == []
    assert state_of([], is_failed=False) is State.RUNNING


def test_a_clock_that_jumped_is_told_and_degrades_nothing() -> None:
    """When the clock jumps 2 h ahead and back, then it is said in status."""
    for by_s, words in ((7200.0, "2h ahead"), (-7200.0, "2h back")):
        found = told(jump=Jump(by_s, 0.0))
        assert words in found[0].what
        assert state_of(found, is_failed=False) is State.RUNNING


def test_each_trouble_has_its_remedy() -> None:
    """Whatever is wrong stands there with what to do about it, what matters most first."""
    error = AccessDenied("PutMetricData is not allowed", hint="allow it")
    found = told(
        progress=Progress(failing_since=900.0, error=error),
        source_errors={"apache": AgentError("apache is down", hint="start it")},
        placing=AccessDenied("DescribeAutoScalingInstances on i-0abc: no", hint="allow it"),
        waiting=Waiting(9, 99, 900),
    )
    assert [note.what for note in found] == [
        "PutMetricData is not allowed",
        "the spool holds 900 B of 1000 B",
        "apache is down",
        "the Auto Scaling group is not known: DescribeAutoScalingInstances on i-0abc: no",
    ]
    assert all(note.hint for note in found)
    assert state_of(found, is_failed=False) is State.DEGRADED


def test_a_hiccup_is_no_trouble() -> None:
    """CloudWatch that fails for seconds degrades nothing; one that fails before the clock was set back does."""
    error = AgentError("away")
    assert told(progress=Progress(failing_since=995.0, error=error)) == []
    assert told(progress=Progress(failing_since=5000.0, error=error)) != []
