"""Names of secrets: paths below a folder, and nothing that leads out of it."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vawsum_agent.core.errors import DeployError
from vawsum_agent.deploy.secrets.names import MOST_SECRETS, checked_paths


@pytest.mark.parametrize(
    "name", [".env", "config/app.key", "a b/ü.json", "storage/oauth-private.key", "..env", "a/..b"]
)
def test_plain_relative_paths_are_taken(name: str) -> None:
    """Dots that are no parts of their own, spaces and letters of any script are fine."""
    assert checked_paths([name]) == {name}


@pytest.mark.parametrize(
    "name",
    [
        *("", "/", "/etc/passwd", "../.env", "a/../b", "a/..", "..", ".", "./a", "a/./b", "a//b", "a/"),
        *("a\n", "a\0b", "\x1b[31m", "a/\u202egnp.exe", "a\u2028b", "x" * 201, "a/" * 300 + "b"),
        *(".vawsum-1.tmp", "a/.vawsum-x", "/../../etc/cron.d/x"),
    ],
)
def test_names_that_lead_elsewhere_or_hide_something_are_refused(name: str) -> None:
    """In one printable line that says what is wrong with it."""
    with pytest.raises(DeployError) as caught:
        checked_paths([".env", name])
    assert str(caught.value).isprintable()
    assert len(caught.value.message) < 800


def test_no_secret_stands_in_the_way_of_another() -> None:
    """A file can't be a folder as well; beginning alike is no matter."""
    with pytest.raises(DeployError, match="'a/b' is a secret, and 'a/b/c/d' another inside of it"):
        checked_paths(["a/b", "a/b/c/d", "a/bc"])
    assert len(checked_paths(["a/b", "a/bc", "a.b", "a/b.c/d"])) == 4


def test_there_are_at_most_a_hundred() -> None:
    """A folder that holds more is not the secrets of one application."""
    assert len(checked_paths(str(number) for number in range(MOST_SECRETS))) == MOST_SECRETS
    with pytest.raises(DeployError, match="more than 100"):
        checked_paths(str(number) for number in range(MOST_SECRETS + 1))


@given(st.lists(st.sampled_from(["..", ".", "", "a", "b.c", "\n", "/", ".vawsum-"]), max_size=6).map("/".join))
def test_whatever_is_taken_stays_below_the_folder(name: str) -> None:
    """Joined to a folder and resolved, it is inside."""
    try:
        (path,) = checked_paths([name])
    except DeployError:
        return
    parts = PurePosixPath("/secrets", path).parts
    assert parts[:2] == ("/", "secrets")
    assert len(parts) > 2
    assert ".." not in parts
