"""Words that mean something to shells, terminals, paths and click: refused in full, in one line, and nothing begins."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.counts import IS_SOAK
from tests.integration.deploy.deploying import SECOND
from tests.integration.deploy.hostile.malice import BAD, expect_untouched
from vawsum_agent.cli.failure import exit_code_of
from vawsum_agent.cli.main import cli

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.integration.deploy.deploying import DeployHost

WORDS = {
    "ends a quote": '"; rm -rf / #',
    "runs a command": "$(id)",
    "runs another": "`touch /tmp/vawsum-hostile`",
    "climbs": "../r1",
    "absolute": "/etc",
    "two lines": f"{SECOND}\n",
    "two lines of a name": "web\n",
    "two lines, the other way": f"\n{SECOND}",
    "two names": f"{SECOND} {SECOND}",
    "letters of others": "\uff52\u0435lease",
    "digits of others": SECOND.replace("2", "\u0662"),
    "right to left": f"\u202e{SECOND}",
    "control characters": "\x1b[2J\x1b]0;title\x07",
    "no text": os.fsdecode(b"\xff\xfe"),
    "an option": "--help",
    "another option": "-h",
    "empty": "",
    "blank": " ",
    "long": "a" * 10_240,
    "long and nearly right": f"{SECOND}{'0' * 10_240}",
    "lower case": SECOND.lower(),
}

COMMANDS = {
    "app": ("start", "--release", SECOND, "--app"),
    "release": ("start", "--app", "web", "--release"),
    "to": ("rollback", "--app", "web", "--to"),
    "history": ("history", "--app"),
    "converge": ("converge", "--app"),
}


def called(host: DeployHost, arguments: Sequence[str]) -> int:
    """Call the command in this process, as `main` does."""
    arguments = ["deploy", arguments[0], "--config", str(host.config), *arguments[1:]]
    return exit_code_of(lambda: cli(arguments, prog_name="vawsum-agent", standalone_mode=False))


def expect_one_line(out: str, error: str, word: str) -> None:
    """Nothing is printed but the error, in which the word can do no harm, and whose length is bounded."""
    assert out == ""
    assert error.startswith("error: ")
    assert error.endswith("\n")
    assert error[:-1].isprintable()
    assert len(error) < 400
    assert len(word) < 200 or word not in error


@pytest.mark.parametrize("what", COMMANDS)
def test_refused(host: DeployHost, capsys: pytest.CaptureFixture[str], what: str) -> None:
    """Exit code 64, one line, and not even a journal is there afterwards."""
    for word in WORDS.values():
        assert called(host, [*COMMANDS[what], word]) == 64, word
        expect_one_line(*capsys.readouterr(), word)
    assert not host.folder.journal.exists()
    expect_nothing(host)


@pytest.mark.parametrize("word", WORDS if IS_SOAK else ["runs a command", "no text", "long"])
def test_refused_by_the_real_command(host: DeployHost, word: str) -> None:
    """The same of the real command, whose arguments are bytes."""
    ended = host.deploy(WORDS[word])
    assert ended.code == 64
    expect_one_line(ended.out, ended.error, WORDS[word])
    expect_nothing(host)


def expect_nothing(host: DeployHost) -> None:
    """No deploy began."""
    host.journal.folder.mkdir(parents=True, exist_ok=True)
    expect_untouched(host)
    assert host.records() == []


def test_known_applications_are_named(host: DeployHost) -> None:
    """Whoever mistypes one is told which there are; without any, what to add."""
    ended = host.run("deploy", "start", "--app", "wbe", "--release", BAD)
    assert (ended.code, ended.error) == (64, "error: no [[deploy.app]] is named 'wbe' (there is web)\n")
    host.config.write_text('[agent]\nrole = "web"\n')
    ended = host.run("deploy", "start", "--app", "web", "--release", BAD)
    assert ended.code == 64
    assert ended.error.startswith(f"error: {host.config} has no [[deploy.app]]")
    assert len(ended.error.splitlines()) == 1
