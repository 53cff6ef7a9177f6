"""What is said to systemd about the work of a deploy, and what its answers mean."""

from __future__ import annotations

import subprocess

import pytest

from vawsum_agent.deploy.transient import as_environment_file, is_at_work


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
