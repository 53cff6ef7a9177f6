"""What a status tells a person of deploys, on whatever screen."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.cli.agents import component, status
from vawsum_agent.cli.status_screen import Size, screen

NOW = 1767226320.0  # 2026-01-01T00:12:00Z
OLD, NEW = "20251201T101500Z-4f2a91c", "20251231T093000Z-77aa001"
LAST: dict[str, object] = {
    "deploy_id": "20251231T183000Z-0011aabb",
    "kind": "start",
    "release": NEW,
    "previous": OLD,
    "result": "deployed",
    "began_at": "2025-12-31T18:30:00.000Z",
    "ended_at": "2025-12-31T18:42:00.000Z",
    "duration_s": 720.0,
    "by": "alice",
    "failed_step": None,
    "error": None,
}
RUNNING: dict[str, object] = LAST | {
    "result": None,
    "began_at": "2026-01-01T00:10:00.000Z",
    "ended_at": None,
    "duration_s": None,
    "step": "drain",
    "step_phase": "begun",
    "step_at": "2026-01-01T00:10:30.000Z",
    "is_taken_back": False,
}


def document(state: str = "running", **changes: object) -> dict[str, Any]:
    """A status of a host that is deployed to."""
    app: dict[str, object] = {
        "name": "vawsum-web",
        "path": "/var/www/vawsum-web",
        "current": NEW,
        "last_deploy": LAST,
        "last_deployed": LAST,
        "running": None,
        "unfinished": None,
    }
    return status(state, component(state, name="deploy", details={"apps": [app | changes], "restarts": 0}))


def shown(of: dict[str, Any], width: int | None = None) -> list[str]:
    """The lines of a status."""
    return [line.plain for line in screen(of, Size(width), with_files=False, now=NOW, rates={})]


def test_what_a_person_wants_to_know() -> None:
    """What is served, and how that came about."""
    lines = shown(document())
    assert lines[-3:] == [
        "DEPLOYS     vawsum-web, in /var/www/vawsum-web",
        f"current     {NEW}",
        f"last deploy deployed 5h 30m ago: deploy of {NEW} by alice in 12m",
    ]
    assert any(line.startswith("deploy ") and line.endswith("1 application") for line in lines)


def test_a_host_that_is_new() -> None:
    """Nothing is claimed."""
    assert shown(document(current=None, last_deploy=None, last_deployed=None))[-2:] == [
        "current     no release",
        "last deploy none yet",
    ]


def test_a_deploy_that_runs() -> None:
    """Its step, how long it takes so far, and whether it is on its way back."""
    lines = shown(document(running=RUNNING))
    assert f"running     deploy of {NEW} by alice, at drain, for 2m" in lines
    assert any(line.endswith("deploys vawsum-web") for line in lines)
    back = RUNNING | {"is_taken_back": True, "failed_step": "prove", "step": "switch back", "step_phase": "done"}
    text = "\n".join(shown(document(running=back | {"kind": "rollback", "by": None})))
    assert f"rollback of {NEW}, being taken back, since prove failed: after switch back, for 2m" in text
    stopped = "\n".join(shown(document("stopped", running=RUNNING)))
    assert "unfinished  deploy of" in stopped
    assert "\nrunning" not in stopped


def test_what_failed_stands_out() -> None:
    """With the step and its words; what was cut off is told with where."""
    failed = LAST | {"result": "taken back", "failed_step": "prove", "error": "answered 500"}
    assert shown(document(last_deploy=failed))[-1].startswith("last deploy TAKEN BACK 5h 30m ago: ")
    assert shown(document(last_deploy=failed))[-1].endswith("; prove: answered 500")
    left = "\n".join(shown(document(unfinished=RUNNING | {"step": None, "step_phase": None})))
    assert "unfinished  deploy of" in left
    assert "before its first step, begun 2m ago" in left


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_every_width_shows_all_of_it(width: int) -> None:
    """No line is too wide, and nothing is left out."""
    lines = shown(document(running=RUNNING), width)
    assert all(len(line) <= width and line == line.rstrip() for line in lines)
    text = " ".join(" ".join(lines).split())
    for words in ("vawsum-web", "at drain, for 2m", NEW, "by alice in 12m"):
        assert words in text


def test_names_of_others_do_not_command_the_terminal() -> None:
    """What a hook said is shown with its control characters written out."""
    bad = LAST | {"result": "stuck", "failed_step": "prove", "error": "\x1b[2J", "by": "\x1b[2J"}
    assert "".join(shown(document(last_deploy=bad))).isprintable()
