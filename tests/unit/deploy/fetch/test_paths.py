"""Where members may lie, and what links may point to."""

from __future__ import annotations

import pytest

from vawsum_agent.deploy.fetch.limits import LIMITS
from vawsum_agent.deploy.fetch.paths import link_target, member_path
from vawsum_agent.deploy.fetch.refused import Refused


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a", ("a",)),
        ("a/b.php", ("a", "b.php")),
        ("./a//b/./c", ("a", "b", "c")),
        ("a/", ("a",)),
        ("./", ()),
        (".", ()),
        ("...", ("...",)),
        ("a/..b", ("a", "..b")),
        ("Bücher/日本 語/$(id)", ("Bücher", "日本 語", "$(id)")),
        ("x" * 255, ("x" * 255,)),
    ],
)
def test_paths(name: str, expected: tuple[str, ...]) -> None:
    """Names as archives have them become parts; nothing in them means anything."""
    assert member_path(name, LIMITS) == expected


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("/etc/cron.d/x", "absolute"),
        ("//a", "absolute"),
        ("../../etc/cron.d/x", "leads out"),
        ("a/../b", "leads out"),
        ("..", "leads out"),
        ("a\\..\\b", "backslash"),
        ("a\x00b", "control characters"),
        ("a\nb", "control characters"),
        ("a\x1b[2Jb", "control characters"),
        ("a\x7f", "control characters"),
        ("a\u0085b", "control characters"),
        ("a\u2028b", "control characters"),
        ("a\udcffb", "not UTF-8"),
        ("x" * 256, "too long"),
        ("ü" * 128, "too long"),
        ("/".join(["x" * 200] * 11), "too long"),
        ("/".join("x" * 101), "100 folders deep"),
    ],
)
def test_names_that_are_refused(name: str, reason: str) -> None:
    """Each with its reason and its name, which shows nothing that a terminal would take for a command."""
    with pytest.raises(Refused, match=reason) as refused:
        member_path(name, LIMITS)
    assert refused.value.message.isprintable()
    assert len(refused.value.message) < 400


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("current.php", "public/index.php"),
        ("vendor/bin/phpunit", "../phpunit/phpunit/phpunit"),
        ("a/b/c", "../.."),
        ("a/b", "."),
        ("a/b", "./x//y"),
        ("a", "not-there"),
    ],
)
def test_links(path: str, target: str) -> None:
    """What climbs first, not too far, and only descends then, stays inside."""
    link_target(path, tuple(path.split("/")), target, LIMITS)


@pytest.mark.parametrize(
    ("path", "target", "reason"),
    [
        ("a", "/etc/passwd", "absolute"),
        ("a", "..", "leads out"),
        ("a/b", "../..", "leads out"),
        ("a/b/c", "../../../etc/passwd", "leads out"),
        ("a", "b/../../x", "down and up"),
        ("a", "b/../c", "down and up"),
        ("a", "", "to nothing"),
        ("a", "b\\c", "backslash"),
        ("a", "b\nc", "control characters"),
        ("a", "x" * 256, "too long"),
    ],
)
def test_links_that_are_refused(path: str, target: str, reason: str) -> None:
    """Those that leave the release, and those that might, when what they pass is a link itself."""
    with pytest.raises(Refused, match=reason):
        link_target(path, tuple(path.split("/")), target, LIMITS)
