"""The documents for Systems Manager are what its schema asks for, and run commands that exist."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import click
import pytest

from vawsum_agent.cli.main import cli

DOCUMENTS = sorted((Path(__file__).parents[3] / "packaging/ssm").glob("*.json"))
LONGEST_S = 172_800


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_a_document_holds(path: Path) -> None:
    """Schema 2.2 as a string; time limit and failure under `inputs`, where alone they count; nothing is pasted in."""
    document: dict[str, Any] = json.loads(path.read_text())
    assert document["schemaVersion"] == "2.2"
    (step,) = document["mainSteps"]
    assert step["action"] == "aws:runShellScript"
    assert step["inputs"]["onFailure"] == "exit"
    assert 0 < int(step["inputs"]["timeoutSeconds"]) <= LONGEST_S
    assert "{{" not in path.read_text()


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_a_document_runs_a_command_that_exists(path: Path) -> None:
    """What it calls is a command of the agent, with options that this has."""
    (step,) = json.loads(path.read_text())["mainSteps"]
    (line,) = step["inputs"]["runCommand"]
    _, program, *words = shlex.split(line)
    assert program == "/usr/bin/vawsum-agent"
    command: click.Command = cli
    while isinstance(command, click.Group):
        found = command.get_command(click.Context(command), words.pop(0))
        assert found is not None
        command = found
    known = {option for parameter in command.params for option in parameter.opts}
    assert set(words) <= known
