"""What holds for every command."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest
from click.shell_completion import BashComplete

from vawsum_agent.cli.failure import exit_code_of
from vawsum_agent.cli.main import cli
from vawsum_agent.cli.reference import pages
from vawsum_agent.core.errors import AgentError, BusyError, ConfigError, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.unit.cli.agents import Agent

REFERENCE = Path(__file__).parents[3] / "docs" / "reference"


def commands(group: click.Group, path: str = "") -> Iterator[tuple[str, click.Command]]:
    """Every command with its path."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, f"{path}{name} ")
        else:
            yield path + name, command


def test_every_command_is_alike() -> None:
    """Every command that looks at the agent takes --config and --json, and its help shows it in use."""
    for path, command in commands(cli):
        options = {option for parameter in command.params for option in parameter.opts}
        if command.hidden:  # for the agent itself
            continue
        if path != "completion":
            assert {"--config", "--json"} <= options, path
        assert "Examples:" in str(command.epilog), path
        assert command.help, path


def test_groups_show_their_commands_in_use() -> None:
    """The help of a group of commands has examples, as that of each command has."""
    context = click.Context(cli)
    for name in cli.list_commands(context):
        group = cli.get_command(context, name)
        if isinstance(group, click.Group):
            assert f"  vawsum-agent {name} " in str(group.epilog)


def test_options_are_completed() -> None:
    """A shell offers --json wherever a command takes it."""
    completion = BashComplete(cli, {}, "vawsum-agent", "_VAWSUM_AGENT_COMPLETE")
    for path, command in commands(cli):
        offered = [item.value for item in completion.get_completions(path.split(), "--js")]
        assert offered == ["--json"] * any("--json" in parameter.opts for parameter in command.params), path


def test_reference_is_up_to_date() -> None:
    """The pages of docs/reference are what the code says today; else run python -m vawsum_agent.cli.reference."""
    for name, text in pages().items():
        assert (REFERENCE / name).read_text() == text, name


@pytest.mark.parametrize(
    "arguments",
    [("--nonsense",), ("nonsense",), ("status", "--nonsense"), ("drain", "--timeout", "soon"), ("status", "x")],
)
def test_wrong_usage(agent: Agent, arguments: tuple[str, ...]) -> None:
    """Wrong usage is one line, where to read more, and exit code 64."""
    ended = agent.run(*arguments)
    assert ended.code == 64
    assert ended.err.startswith("error: ")
    assert ended.err.count("\n") == 1
    assert "--help" in ended.err
    assert ended.out == ""


def failing(error: BaseException) -> int:
    """The exit code of a command that raises."""

    def command() -> None:
        raise error

    return exit_code_of(command)


def test_errors_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """An expected failure is what failed and what to do next; its class decides the exit code."""
    assert failing(AgentError("no\nregion", hint="set one")) == 1
    assert failing(BusyError("locked")) == 75
    assert failing(ConfigError([Violation("a", "k", 1, "2"), Violation("b", "k", 1, "2")])) == 78
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "error: no region (set one)",
        "error: locked",
        "error: a: k = 1: expected 2",
        "error: b: k = 1: expected 2",
    ]


def test_bugs_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """A bug never shows a traceback unasked."""
    assert failing(KeyError("x")) == 1
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "a bug in the agent: KeyError: 'x'" in err


def test_bugs_show_their_trace_when_asked(tmp_path: Path) -> None:
    """With VAWSUM_AGENT_DEBUG=1 the trace comes along."""
    program = "from vawsum_agent.cli.failure import exit_code_of\nexit_code_of(lambda: {}['x'])"
    environment = {"VAWSUM_AGENT_DEBUG": "1"}
    ended = subprocess.run(
        [sys.executable, "-c", program], env=environment, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert "Traceback" in ended.stderr


def test_interrupted() -> None:
    """Ctrl-C ends a command in silence: it failed."""
    assert failing(KeyboardInterrupt()) == 1
    assert failing(click.Abort()) == 1


def test_reader_leaves() -> None:
    """A pipe that is closed on the other side ends a command in silence."""
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run(
        [sys.executable, "-m", "vawsum_agent", "run", "--help"], stdout=writing, stderr=subprocess.PIPE, check=False
    )
    os.close(writing)
    assert ended.stderr == b""


@pytest.mark.parametrize(
    ("words", "heavy"),
    [
        (("status", "--json"), {"botocore.session"}),
        (("drain", "--timeout", "1s"), {"botocore.session", "rich.console", "sqlite3", "structlog"}),
        (("check-config",), {"botocore.session", "rich.console", "sqlite3", "structlog"}),
        (("run",), {"rich.console"}),
    ],
)
def test_what_commands_import(agent: Agent, words: tuple[str, ...], heavy: set[str]) -> None:
    """Commands for monitoring stay quick and the daemon small: none imports what it does not need."""
    agent.config.write_text(agent.config.read_text().replace(str(agent.folder), "/proc/nonexistent"))
    command = [sys.executable, "-X", "importtime", "-m", "vawsum_agent", *words, "--config", str(agent.config)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    imported = {line.rpartition("|")[2].strip() for line in ended.stderr.splitlines()}
    assert "click" in imported
    assert not imported & heavy


def test_an_unreadable_configuration_is_a_bad_one() -> None:
    """A configuration that the user may not read is told as such (78), and not as a wrong use of the command (64)."""
    for name in ("run", "status", "check-config"):
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        (path,) = [parameter.type for parameter in command.params if parameter.name == "config_path"]
        assert isinstance(path, click.Path)
        assert not path.readable
