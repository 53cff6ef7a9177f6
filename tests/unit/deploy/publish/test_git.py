"""The environment that git is given, and how its failures are told."""

from __future__ import annotations

import pytest

from vawsum_agent.deploy.publish.child import Ended
from vawsum_agent.deploy.publish.git import environment, failure


def test_git_is_led_nowhere_else_and_asks_nobody() -> None:
    """What a hook of git sets is left out, so is what asks by a window; the rest of the environment stays."""
    given = {"HOME": "/root", "GIT_DIR": "/x", "GIT_WORK_TREE": "/x", "SSH_ASKPASS": "/x", "SSH_AUTH_SOCK": "/s"}
    found = environment(given, ("https", "ssh"))
    assert not {"GIT_DIR", "GIT_WORK_TREE", "SSH_ASKPASS"} & set(found)
    assert (found["HOME"], found["SSH_AUTH_SOCK"]) == ("/root", "/s")
    assert (found["GIT_TERMINAL_PROMPT"], found["GIT_ALLOW_PROTOCOL"]) == ("0", "https:ssh")
    assert "BatchMode=yes" in found["GIT_SSH_COMMAND"]
    assert "accept-new" not in found["GIT_SSH_COMMAND"]


@pytest.mark.parametrize("name", ["GIT_SSH", "GIT_SSH_COMMAND"])
def test_whoever_says_how_to_call_ssh_is_heard(name: str) -> None:
    """Such as a key of its own for deploys."""
    found = environment({name: "ssh -i /etc/deploy-key"}, ())
    assert {key: value for key, value in found.items() if key.startswith("GIT_SSH")} == {name: "ssh -i /etc/deploy-key"}


def test_failures_are_told_in_gits_words_with_a_way_on() -> None:
    """One line, without what git adds to every failure; and a hint where the reason is known."""
    words = (
        "git@bitbucket.org: Permission denied (publickey).\nfatal: Could not read from remote repository.\n\n"
        "Please make sure you have the correct access rights\nand the repository exists.\n"
    )
    error = failure("it can't be read", Ended(128, "", words))
    assert error.message == "it can't be read: git@bitbucket.org: Permission denied (publickey)."
    assert "SSH key" in error.hint
    assert failure("it can't be read", Ended(-9, "", "")).message == "it can't be read: git ended with exit code -9"
