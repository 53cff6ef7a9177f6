"""What is said to systemd about the work of a deploy, and what its answers mean."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from vawsum_agent.deploy.transient import as_environment_file, is_at_work

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        ("ActiveState=active\nJob=\n", True),
        ("ActiveState=active\n", True),
        ("ActiveState=activating\n", True),
        ("ActiveState=deactivating\n", True),
        ("ActiveState=reloading\n", True),
        ("Job=4711\nActiveState=inactive\n", True),
        ("ActiveState=inactive\n", False),
        ("ActiveState=inactive\nJob=0\n", False),
        ("ActiveState=failed\nJob=\n", False),
        ("", True),
    ],
)
def test_is_at_work(shown: str, expected: bool) -> None:
    """A service works until it has ended for good: not while it waits to be restarted, nor while that is under way."""
    assert is_at_work(shown) is expected


def test_environment_file() -> None:
    """A variable a line, by name, its value in quotes in which nothing is expanded; shells read it like systemd."""
    odd = {"VAWSUM_B": 'it\'s "$HOME" `id` \\n', "AWS_A": " two  words # not a comment\nand a line "}
    text = as_environment_file(odd)
    assert text.startswith('AWS_A=" two  words # not a comment\nand a line "\nVAWSUM_B="')
    script = f'{text}\nprintf "%s|%s" "$AWS_A" "$VAWSUM_B"'
    read = subprocess.run(["sh", "-c", script], env={}, capture_output=True, text=True, check=True).stdout
    assert read == f"{odd['AWS_A']}|{odd['VAWSUM_B']}"


STARTS = """
import sys
from pathlib import Path
from vawsum_agent.deploy.transient import start_service
start_service(["/bin/true"], "work", {"AWS_A": "x"}, run=Path(sys.argv[1]), patience_s=0.1, shows_within_s=0.7)
"""


def started_slowly(folder: Path, *states: str) -> subprocess.CompletedProcess[str]:
    """Start a service where `systemd-run` takes too long, and `systemctl` shows one state after the other."""
    shows = f"ActiveState=$(head -n 1 {folder}/states)\nJob=\n"
    programs = {"systemd-run": "exec sleep 30", "systemctl": f'printf "{shows}"; sed -i 1d {folder}/states'}
    (folder / "states").write_text("\n".join([*states, *["inactive"] * 9]))
    for name, line in programs.items():
        (folder / name).write_text(f"#!/bin/sh\n{line}\n")
        (folder / name).chmod(0o755)
    environment = os.environ | {"PATH": f"{folder}:{os.environ['PATH']}"}
    command = [sys.executable, "-c", STARTS, str(folder)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_a_loaded_host_starts_it_late(tmp_path: Path) -> None:
    """What systemd had no time to answer to, and does, has begun: nobody is told that it has not."""
    done = started_slowly(tmp_path, "inactive", "activating")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "work/environment").exists()


def test_a_loaded_host_does_not_start_it(tmp_path: Path) -> None:
    """It is told, and what the service would need is gone, so that it does nothing later either."""
    done = started_slowly(tmp_path)
    assert "systemd-run does not start work.service: no answer within 0 s" in done.stderr
    assert not (tmp_path / "work").exists()
