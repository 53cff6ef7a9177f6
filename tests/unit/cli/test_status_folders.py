"""A line for each folder whose images move, on whatever screen."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.cli.agents import component, status
from vawsum_agent.cli.status_rates import Rates
from vawsum_agent.cli.status_screen import Size, screen

NOW = 1767226320.0
ON_TERMINALS = [60, 80, 100, 120, 200]


def folder(name: str = "app", **figures: object) -> dict[str, object]:
    """A row of the capability's details."""
    counts = dict.fromkeys(
        ("due_count", "due_bytes", "young_count", "moved_count", "moved_bytes", "copied_count", "copied_bytes"), 0
    )
    rest = {"refused": {}, "disk_used_percent": 41, "inodes_used_percent": 12, "is_under_pressure": False}
    return {"name": name, "scanned_at": "2026-01-01T00:00:00Z"} | counts | rest | figures


def document(*folders: dict[str, object], state: str = "running") -> dict[str, Any]:
    """A status with these folders."""
    images = component(state, name="images", details={"folders": list(folders)})
    return status(state, images)


BUSY = folder(
    due_count=12345,
    due_bytes=3 << 30,
    young_count=40,
    refused={"collision": 3, "other-extension": 1200},
    disk_used_percent=91,
    is_under_pressure=True,
)


def shown(of: dict[str, Any], width: int | None = None, height: int | None = None, rate: float = 0.0) -> list[str]:
    """The lines of a status."""
    rates = {"images": 1 << 20, "images/app": rate}
    return [line.plain for line in screen(of, Size(width, height), with_files=False, now=NOW, rates=rates)]


def test_a_line_a_folder() -> None:
    """What is due and how much, what is too young, how fast it goes, the disk, and what stays, the most first."""
    lines = shown(document(BUSY, folder("other")), 120, rate=10.0)
    assert [" ".join(line.split()) for line in lines[-3:]] == [
        "FOLDER DUE YOUNG MOVING DISK LEFT ALONE",
        "app 12,345 (3.0 GiB) 40 600/min 91 %, under pressure 1,200 other-extension, 3 collision",
        "other none none — 41 % none",
    ]
    (images,) = [line for line in lines if line.startswith("images ")]
    assert images.split()[-4:] == ["1.0", "MiB/s", "2", "folders"]


@pytest.mark.parametrize("width", ON_TERMINALS)
def test_every_width_shows_all_of_it(width: int) -> None:
    """No line is too wide, and what one line has no room for stands on more."""
    lines = shown(document(BUSY), width, rate=10.0)
    assert all(len(line) <= width and line == line.rstrip() for line in lines)
    text = " ".join(" ".join(lines).split())
    for figure in ("12,345 (3.0 GiB)", "600/min", "91 %, under pressure", "1,200 other-extension", "3 collision"):
        assert figure in text


def test_inodes_count_where_they_are_tighter() -> None:
    """A disk without inodes is as full as one without space."""
    assert "97 % of inodes" in shown(document(folder(inodes_used_percent=97)))[-1]


def test_before_the_first_look_nothing_is_claimed() -> None:
    """None due is not the same as not known."""
    last = shown(document(folder(scanned_at=None, disk_used_percent=None, inodes_used_percent=None)))[-1]
    assert " ".join(last.split()) == "app not known yet not known yet 0/min — not known yet"
    assert "none" not in last


def test_what_stopped_does_not_move() -> None:
    """What was true last is shown without a rate."""
    assert "/min" not in shown(document(BUSY, state="stopped"), rate=10.0)[-1]


@pytest.mark.parametrize("height", range(1, 12))
def test_a_small_screen_keeps_the_components(height: int) -> None:
    """Folders go first where there is no room, and are counted."""
    folders = [folder(f"f{number}") for number in range(9)]
    lines = shown(document(*folders), 80, height)
    assert len(lines) <= height
    if height >= 6:
        assert any(line.startswith("images ") for line in lines)
        assert lines[-1].startswith("… ")


def test_names_of_others_do_not_command_the_terminal() -> None:
    """A folder's name is shown with its control characters written out."""
    assert "".join(shown(document(folder("\x1b[2J")))).isprintable()


def test_rates_of_folders() -> None:
    """Files of each folder and bytes of all are counted, copied or moved; a folder that is new has no rate yet."""
    rates = Rates()
    before = folder(moved_count=10, moved_bytes=1000, copied_count=5, copied_bytes=500)
    after = folder(moved_count=40, moved_bytes=4000, copied_count=15, copied_bytes=1500)
    assert rates.after(document(before), NOW) == {}
    found = rates.after(document(after, folder("new", moved_count=7)), NOW + 10)
    assert found == {"images": 400.0, "images/app": 4.0}
