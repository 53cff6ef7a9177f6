"""The documents for Systems Manager are what its schema asks for, run commands that exist, and end as is agreed."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING, Any

import click
import pytest
from cfnlint.api import ManualArgs, lint

from sandbox.host.ssm_text import NEW_AGENT
from tests.unit.ssm.documents import PATHS, SHELLS, Workshop, read, script
from vawsum_agent.cli.main import cli
from vawsum_agent.config.rules import APP_NAME
from vawsum_agent.deploy.release_id import RELEASE_PATTERN

if TYPE_CHECKING:
    from pathlib import Path

NAMES = [path.stem for path in PATHS]
GOOD = {"App": "vawsum-web", "Release": "20261129T101500Z-4f2a91c"}
LONGEST_S, SHORTEST_S = 172_800, 5
"""The agent takes any other limit for an hour."""
each = pytest.mark.parametrize("name", NAMES)


def test_all_documents_are_there() -> None:
    """These six, which users, templates and tests name."""
    assert NAMES == [
        "Vawsum-Backup",
        "Vawsum-Deploy",
        "Vawsum-Drain",
        "Vawsum-RestoreDrill",
        "Vawsum-Rollback",
        "Vawsum-Status",
    ]


@each
def test_a_document_holds(name: str) -> None:
    """Schema 2.2 as a string; time limit and failure under `inputs`, where alone they count; one step, for Linux."""
    document = read(name)
    assert document.keys() - {"parameters"} == {"schemaVersion", "description", "mainSteps"}
    assert document["schemaVersion"] == "2.2"
    assert 0 < len(document["description"]) <= 1024
    (step,) = document["mainSteps"]
    assert step.keys() == {"action", "name", "precondition", "inputs"}
    assert step["action"] == "aws:runShellScript"
    assert re.fullmatch(r"[a-zA-Z0-9_]+", step["name"])
    assert step["precondition"] == {"StringEquals": ["platformType", "Linux"]}
    assert step["inputs"].keys() == {"timeoutSeconds", "onFailure", "runCommand"}
    assert step["inputs"]["onFailure"] == "exit"
    assert SHORTEST_S <= int(step["inputs"]["timeoutSeconds"]) <= LONGEST_S
    assert all(isinstance(line, str) and "\n" not in line for line in step["inputs"]["runCommand"])


@each
def test_parameters_are_anchored_and_stay_out_of_the_text(name: str) -> None:
    """Each has a pattern that begins with ^ and ends with $, and comes by the environment.

    In the text each stands once, alone on its line.
    """
    document = read(name)
    for parameter, definition in document.get("parameters", {}).items():
        assert definition.keys() - {"default"} == {"type", "description", "allowedPattern", "interpolationType"}
        assert (definition["type"], definition["interpolationType"]) == ("String", "ENV_VAR")
        assert re.fullmatch(r"\^[^|^$]+\$", definition["allowedPattern"])
        lines = [
            line for line in document["mainSteps"][0]["inputs"]["runCommand"] if parameter in line and "{{" in line
        ]
        assert lines == [f"{{{{ {parameter} }}}}"]
    used = set(re.findall(r"{{\s*(\w+)\s*}}", json.dumps(document)))
    assert used == document.get("parameters", {}).keys()


def test_patterns_are_the_agents_own() -> None:
    """A document takes the names that the configuration and `release publish` know, and no others."""
    deploy, rollback = read("Vawsum-Deploy")["parameters"], read("Vawsum-Rollback")["parameters"]
    assert deploy["Release"]["allowedPattern"] == f"^{RELEASE_PATTERN}$"
    assert rollback["Release"]["allowedPattern"] == f"^({RELEASE_PATTERN})?$"
    assert deploy["App"] == rollback["App"]
    pattern = re.compile(deploy["App"]["allowedPattern"])
    for app in ("a", "0a", "a.b_c-d", "a" * 64, "a" * 65, "", "A", "-a", ".a", "_a", "a b", "é"):
        assert bool(pattern.search(app)) == (APP_NAME.check(app) is None), app


@pytest.mark.parametrize("shell", SHELLS)
@each
def test_scripts_parse(tmp_path: Path, name: str, shell: str) -> None:
    """Every shell that is `sh` somewhere finds no fault in the script, before and after parameters are put in place."""
    raw = "\n".join(read(name)["mainSteps"][0]["inputs"]["runCommand"])
    for text in (raw, script(read(name), GOOD, NEW_AGENT)[0]):
        (tmp_path / "script.sh").write_text(text)
        checked = subprocess.run([shell, "-n", tmp_path / "script.sh"], capture_output=True, text=True, check=False)
        assert (checked.returncode, checked.stderr) == (0, "")


@each
def test_exit_codes_mean_here_what_they_mean_there(tmp_path: Path, name: str) -> None:
    """The agent's own codes are handed on; what Systems Manager would misread, or nobody expects, is 1 and a line."""
    own = {0, 1, 64, 75, 78} | ({2} if name == "Vawsum-Status" else set())
    for code in (0, 1, 2, 64, 75, 78, 137, 168, 169, 194):
        folder = tmp_path / str(code)
        folder.mkdir()
        ran = Workshop(folder, exit_code=code).run(*script(read(name), GOOD, NEW_AGENT))
        assert ran.stdout == "result\n"
        if code in own:
            assert (ran.code, ran.complaints) == (code, [])
        else:
            assert (ran.code, ran.complaints) == (
                1,
                [f"{name}: vawsum-agent ended with {code}; journalctl may tell why"],
            )


@each
def test_a_document_runs_a_command_that_exists(tmp_path: Path, name: str) -> None:
    """What it calls is a command of the agent, with options that this has, and asks for the result as JSON."""
    (words,) = Workshop(tmp_path).run(*script(read(name), GOOD, NEW_AGENT)).calls
    assert "--json" in words
    command: click.Command = cli
    while isinstance(command, click.Group):
        found = command.get_command(click.Context(command), words.pop(0))
        assert found is not None
        command = found
    with command.make_context(name, words):
        pass


def test_cfn_lint_finds_no_fault() -> None:
    """Each document as a resource of CloudFormation: cfn-lint complains of one that is spoilt here, and of no other."""
    template: dict[str, Any] = {"Resources": {}}
    for name in NAMES:
        properties = {"Name": name, "DocumentType": "Command", "DocumentFormat": "JSON", "Content": read(name)}
        template["Resources"][name.replace("-", "")] = {"Type": "AWS::SSM::Document", "Properties": properties}
    spoilt = {"Content": {**read("Vawsum-Status"), "schemaVersion": 2.2}}
    template["Resources"]["Spoilt"] = {"Type": "AWS::SSM::Document", "Properties": spoilt}
    found = lint(json.dumps(template), config=ManualArgs(regions=["ap-south-1"]))
    assert [(match.rule.id, match.path[1]) for match in found] == [("E3051", "Spoilt")]
