"""``vawsum-agent check-config`` and ``doctor``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.unit.cli.agents import Agent


def test_valid(agent: Agent) -> None:
    """A configuration that holds is said to, with its files."""
    ended = agent.run("check-config")
    assert ended.code == 0
    assert ended.out == f"valid: {agent.config}; 0 log sources\n"
    assert json.loads(agent.run("check-config", "--json").out) == {
        "valid": True,
        "violations": [],
        "files": [str(agent.config)],
        "findings": [],
    }


def test_violations(agent: Agent) -> None:
    """Every violation is a line on stderr, or a row with its four parts; the exit code is 78."""
    agent.config.write_text('[agent]\nrole = "wbe"\n[[logs.source]]\npaths = ["/x"]\nformat = "json"\n[images]\n')
    ended = agent.run("check-config")
    assert (ended.code, ended.out) == (78, "")
    assert len(ended.err.splitlines()) == 3
    as_json = agent.run("check-config", "--json")
    document = json.loads(as_json.out)
    assert as_json.code == 78
    assert document["valid"] is False
    assert [row["key"] for row in document["violations"]] == ["agent.role", "logs.source[0].name", "images"]
    assert document["violations"][0]["value"] == "wbe"
    assert document["violations"][1]["value"] is None
    assert all(set(row) == {"file", "key", "value", "expected"} for row in document["violations"])


def test_missing_file(agent: Agent) -> None:
    """A configuration that is not there is refused, not taken for an empty one."""
    agent.config.unlink()
    assert agent.run("check-config").code == 78


def test_doctor_finds_what_is_wrong(agent: Agent) -> None:
    """What will go wrong is a problem with a remedy, and exit code 1."""
    (agent.folder / "state").write_text("a file where the folder should be")
    ended = agent.run("doctor")
    assert ended.code == 1
    first, remedy = ended.out.splitlines()[:2]
    assert first.startswith("problem  ")
    assert remedy.strip().startswith("→ ")


def test_doctor_is_content(agent: Agent) -> None:
    """Without problems the exit code is 0; findings say what was looked at."""
    ended = agent.run("doctor", "--json")
    document = json.loads(ended.out)
    assert ended.code == 0
    assert {row["severity"] for row in document["findings"]} <= {"ok", "warning"}
    assert all(set(row) == {"severity", "what", "where", "remedy"} for row in document["findings"])
