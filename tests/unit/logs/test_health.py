"""What the logs capability says of itself."""

from __future__ import annotations

import random
from typing import Any

from vawsum_agent.core.component import Problem as Told
from vawsum_agent.core.component import State
from vawsum_agent.core.errors import AccessDenied
from vawsum_agent.logs.follow.problems import Problem
from vawsum_agent.logs.health import Health, assess
from vawsum_agent.logs.ship.destination import Destination

WELL: dict[str, Any] = {
    "failure": None,
    "destinations": [],
    "now_monotonic": 1000.0,
    "is_disk_full": False,
    "rebuilt_because": None,
    "is_confirmation_allowed": True,
    "problems": [],
}


def health(**changes: object) -> Health:
    """Assess what is well but for the changes."""
    return assess(**{**WELL, **changes})


def failing(group: str, since: float = 900.0) -> Destination:
    """A group that may not be put to."""
    destination = Destination(group, random.Random(1))
    destination.failing_since = since
    destination.last_error = AccessDenied(f"PutLogEvents on {group}: no", hint="allow it")
    return destination


def test_all_that_is_wrong_is_listed() -> None:
    """Two groups and a file: each with its remedy, the weightiest first and as state, error and hint."""
    found = health(
        destinations=[failing("/a"), failing("/b"), failing("/new", since=999.0)],
        problems=[Problem("/var/log/x", "Permission denied", "let the agent's user read it")],
    )
    assert (found.state, found.error, found.hint) == (State.DEGRADED, "PutLogEvents on /a: no", "allow it")
    assert found.problems == (
        Told("PutLogEvents on /a: no", "allow it"),
        Told("PutLogEvents on /b: no", "allow it"),
        Told("/var/log/x: Permission denied", "let the agent's user read it"),
    )


def test_what_degrades_nothing_is_no_problem() -> None:
    """That delivery is at least once is worth a line, and no alarm."""
    found = health(is_confirmation_allowed=False, rebuilt_because="it was damaged")
    assert (found.state, found.problems, len(found.notes)) == (State.RUNNING, (), 2)
