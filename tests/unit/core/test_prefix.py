"""Programs before a command: there where they work, and nothing where they don't."""

from __future__ import annotations

import subprocess

from vawsum_agent.core.prefix import dying_with_us, prefix, writing_in_pieces


def test_what_works_is_given() -> None:
    """By its path, so that the command's own PATH does not matter."""
    words = prefix("env", "A=b")
    assert words[1:] == ["A=b"]
    assert subprocess.check_output([*words, "printenv", "A"], env={"PATH": "/usr/bin:/bin"}) == b"b\n"


def test_what_does_not_work_is_left_out() -> None:
    """It is missing, does not know the option, or can't run the command."""
    assert prefix("no-such-program") == []
    assert prefix("env", "--no-such-option") == []
    assert prefix("false") == []


def test_the_command_runs_all_the_same() -> None:
    """Whatever this host has of them."""
    assert subprocess.check_output([*dying_with_us(), *writing_in_pieces("256K"), "echo", "here"]) == b"here\n"
