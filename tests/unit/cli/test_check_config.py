"""``vawsum-agent check-config`` and ``doctor``."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.unit.cli.agents import Agent


def test_valid(agent: Agent) -> None:
    """A configuration that holds is said to, with its files and what it switches on."""
    agent.config.write_text(agent.config.read_text() + "[metrics]\n")
    ended = agent.run("check-config")
    assert ended.code == 0
    switched_on = "metrics: the host; into CWAgent every 1m"
    assert ended.out == f"valid: {agent.config}\n{switched_on}\n"
    assert json.loads(agent.run("check-config", "--json").out) == {
        "valid": True,
        "violations": [],
        "files": [str(agent.config)],
        "switches_on": [switched_on],
        "findings": [],
    }


def test_nothing_is_switched_on(agent: Agent) -> None:
    """A daemon without work is warned of, by doctor too; it is no failure."""
    for command in ("check-config", "doctor"):
        ended = agent.run(command)
        assert ended.code == 0
        assert f"warning  {agent.config}: nothing is switched on" in ended.out


def test_messages_are_printable(agent: Agent) -> None:
    """A control sequence in a file is written out where it is told, and not carried out."""
    agent.config.write_text('[agent]\nrole = "\\u001b[2J"\n"\\u001b[31m" = 1\n')
    ended = agent.run("check-config")
    assert (ended.code, len(ended.err.splitlines())) == (78, 2)
    assert ended.err.replace("\n", "").isprintable()


def test_violations(agent: Agent) -> None:
    """Every violation is a line on stderr, or a row with its four parts; the exit code is 78."""
    agent.config.write_text('[agent]\nrole = "wbe"\n[[logs.source]]\npaths = ["/x"]\nformat = "json"\n[fleet]\n')
    ended = agent.run("check-config")
    assert (ended.code, ended.out) == (78, "")
    assert len(ended.err.splitlines()) == 3
    as_json = agent.run("check-config", "--json")
    document = json.loads(as_json.out)
    assert as_json.code == 78
    assert document["valid"] is False
    assert [row["key"] for row in document["violations"]] == ["agent.role", "logs.source[0].name", "fleet"]
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


def test_closed_stdout(agent: Agent) -> None:
    """Nobody listens: that is no bug of ours, and the exit code tells all the same."""
    agent.config.write_text("[metrics]\n")
    command = f'"{sys.executable}" -m vawsum_agent check-config --config "{agent.config}"'
    for where, code in ((">&-", 0), ("2>&- >&-", 0), (">/dev/full", 1)):
        ended = subprocess.run(["sh", "-c", f"{command} {where}"], capture_output=True, text=True, check=False)
        assert ended.returncode == code, ended.stderr
        assert "bug" not in ended.stderr
