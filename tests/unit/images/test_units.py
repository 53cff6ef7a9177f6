"""The drop-ins say what the units need, in words that systemd reads as they are meant."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.unit.images.folders import folder_at
from vawsum_agent.images.units import DAEMON, UnitError, daemon_drop_in, helper_drop_in

UNITS = Path(__file__).parents[3] / "systemd"
ODD = '/var/www/my shop/up"lo:a\\ds%H/ü'


def settings(text: str) -> list[str]:
    """The lines that are no comments."""
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def test_daemon_sees_each_folder_once() -> None:
    """One line a folder, for reading; two entries that share a folder share it; a missing one is no failure."""
    folders = [folder_at(Path("/var/www/app/uploads"), name=name) for name in ("a", "b")]
    folders.append(folder_at(Path("/srv/shop")))
    text = daemon_drop_in(folders)
    assert settings(text) == [
        "[Service]",
        "BindReadOnlyPaths=-/var/www/app/uploads",
        "BindReadOnlyPaths=-/srv/shop",
    ]
    assert "> /etc/systemd/system/vawsum-agent.service.d/vawsum-images.conf" in text


def test_folder_at_home_is_opened_through_a_tmpfs() -> None:
    """ProtectHome=yes leaves no way to open anything below it again; another folder of a like name needs nothing."""
    assert "ProtectHome=tmpfs" in settings(daemon_drop_in([folder_at(Path("/home/shop/uploads"))]))
    assert "ProtectHome=tmpfs" not in settings(daemon_drop_in([folder_at(Path("/homes/shop/uploads"))]))


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("/var/www/app/uploads", []),
        ("/home/shop/uploads", ["ProtectHome=tmpfs", "BindPaths=-/home/shop/uploads"]),
        ("/usr/share/app/uploads", ["ReadWritePaths=-/usr/share/app/uploads"]),
        ("/var/spool/app", ["ReadWritePaths=-/var/spool/app"]),
    ],
)
def test_helper_needs_a_line_only_where_it_may_not_write(path: str, line: list[str]) -> None:
    """Its unit leaves the usual places open."""
    assert settings(helper_drop_in([folder_at(Path(path))], "www-data")) == ["[Service]", *line]


def test_helper_gets_its_own_folders_only() -> None:
    """Neither another owner's, nor one from which nothing is removed."""
    folders = [
        folder_at(Path("/usr/a"), owner="other"),
        folder_at(Path("/usr/b"), delete_local=False),
    ]
    assert settings(helper_drop_in(folders, "www-data")) == ["[Service]"]


def test_helpers_hidden_places_are_those_of_its_unit() -> None:
    """What is taken for read-only is what the shipped unit makes so, and the usual places are none of it."""
    text = (UNITS / "vawsum-agent-owner@.service").read_text()
    (named,) = re.findall(r"^ReadOnlyPaths=(.*)$", text, re.MULTILINE)
    for path in named.replace("-/", "/").split():
        assert f"ReadWritePaths=-{path}/x" in helper_drop_in([folder_at(Path(path) / "x")], "www-data")
    assert "\nProtectSystem=full\n" in text
    assert "\nProtectHome=yes\n" in text


def test_control_characters_are_refused() -> None:
    """A line break would begin a setting of its own."""
    with pytest.raises(UnitError, match="control characters"):
        daemon_drop_in([folder_at(Path("/srv/a\nExecStart=/bin/sh"))])


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_reads_a_path_as_it_is(tmp_path: Path) -> None:
    """Quotes, backslashes, blanks, colons and percent signs mean nothing: without its first slash it is told whole."""
    folder = tmp_path / f"{DAEMON}.d"
    folder.mkdir()
    unit = tmp_path / DAEMON
    unit.write_text("[Service]\nExecStart=/bin/true\n")
    text = daemon_drop_in([folder_at(Path(ODD))])
    (folder / "images.conf").write_text(text)
    assert verified(unit) == ""
    (folder / "images.conf").write_text(text.replace('"-/', '"-'))
    assert f"BindReadOnlyPaths= path is not absolute, ignoring: {ODD[1:]}\n" in verified(unit)


def verified(unit: Path) -> str:
    """What systemd complains about."""
    command = ["systemd-analyze", "verify", "--man=no", str(unit)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60).stderr
