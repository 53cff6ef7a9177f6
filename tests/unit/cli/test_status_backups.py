"""What a status tells a person of backups, on whatever screen."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.cli.agents import component, status
from vawsum_agent.cli.status_screen import Size, screen

NOW = 1767226320.0  # 2026-01-01T00:12:00Z
LAST: dict[str, object] = {
    "backup_id": "20251231T183000Z",
    "server": "production-db",
    "began_at": "2025-12-31T18:30:00.000Z",
    "finished_at": "2025-12-31T18:42:00.000Z",
    "duration_s": 720.0,
    "size_bytes": 3 << 30,
    "raw_bytes": 21 << 30,
    "is_verified": True,
    "flags": [],
}
DRILL: dict[str, object] = {"backup_id": "20251227T183000Z", "at": "2025-12-28T00:12:00Z", "restore_s": 2460.0}
RUNNING: dict[str, object] = {
    "kind": "backup",
    "pid": 7,
    "started_at": "2026-01-01T00:02:00.000Z",
    "backup_id": "20260101T000200Z",
    "slot": "2026-01-01T00:00:00.000Z",
    "phase": "dumping",
    "done_bytes": 5 << 30,
    "total_bytes": 20 << 30,
}


def document(changes: dict[str, object] | None = None, state: str = "running") -> dict[str, Any]:
    """A status of a host that backs up."""
    details: dict[str, object] = {
        "server": "production-db",
        "is_known": True,
        "last_backup": LAST,
        "last_drill": DRILL,
        "rpo_s": 20520.0,
        "rto_s": 2460.0,
        "running": None,
        "next_slot": "2026-01-01T18:30:00.000Z",
        "next_drill_slot": "2026-01-03T22:30:00.000Z",
        "next_try_at": None,
    }
    return status(state, component(state, name="backup", details=details | (changes or {})))


def shown(of: dict[str, Any], width: int | None = None, height: int | None = None) -> list[str]:
    """The lines of a status."""
    return [line.plain for line in screen(of, Size(width, height), with_files=False, now=NOW, rates={})]


def test_what_a_person_wants_to_know() -> None:
    """The last backup, whether it is proven, what comes next, and what a loss would cost now: a line each."""
    assert shown(document())[-5:] == [
        "BACKUPS     production-db",
        "last backup 5h 30m ago, 20251231T183000Z, 3.0 GiB (21.0 GiB of SQL), in 12m, read back whole",
        "last drill  4d ago, 20251227T183000Z, restored in 41m",
        "next        backup in 18h 18m, drill in 2d 22h",
        "a loss now  would lose the last 5h 42m (RPO), and take 41m to restore (RTO)",
    ]


def test_a_job_that_runs() -> None:
    """Its phase, how far it is, and how long it takes; without an end in sight only how much is done."""
    (line,) = [line for line in shown(document({"running": RUNNING})) if line.startswith("running")]
    assert line == "running     backup, dumping, 25% of 20.0 GiB, about 30m left, for 10m"
    (line,) = [
        line for line in shown(document({"running": RUNNING | {"total_bytes": None}})) if line.startswith("running")
    ]
    assert line == "running     backup, dumping, 5.0 GiB, for 10m"
    assert not [line for line in shown(document({"running": RUNNING}, "stopped")) if line.startswith("running")]


def test_what_is_not_proven_is_not_claimed() -> None:
    """No drill, no backup, and what S3 has not said yet, in words."""
    bare: dict[str, object] = {"last_backup": None, "last_drill": None, "rpo_s": None, "rto_s": None}
    text = "\n".join(shown(document(bare | {"next_drill_slot": None})))
    assert "last backup none" in text
    assert "whether a backup restores is not proven" in text
    assert "no drill is scheduled" in text
    assert "would lose everything (RPO), and nobody knows how long a restore takes (RTO)" in text
    text = "\n".join(shown(document(bare | {"is_known": False})))
    assert "last backup not known yet" in text
    assert "everything" not in text


def test_what_is_odd_and_what_is_tried_again() -> None:
    """Flags stand beside the backup; when a failed one is tried again stands first."""
    odd = LAST | {"flags": ["half the size"]}
    text = "\n".join(shown(document({"last_backup": odd, "next_try_at": "2026-01-01T00:22:00Z"})))
    assert "odd: half the size" in text
    assert "another try in 10m, backup in 18h 18m" in text


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_every_width_shows_all_of_it(width: int) -> None:
    """No line is too wide, and nothing is left out."""
    lines = shown(document({"running": RUNNING}), width)
    assert all(len(line) <= width and line == line.rstrip() for line in lines)
    text = " ".join(" ".join(lines).split())
    for figure in ("3.0 GiB (21.0 GiB of SQL)", "read back whole", "restored in 41m", "about 30m left"):
        assert figure in text


def test_names_of_others_do_not_command_the_terminal() -> None:
    """What S3 or a configuration says is shown with its control characters written out."""
    assert "".join(shown(document({"server": "\x1b[2J", "last_backup": LAST | {"flags": ["\x1b[2J"]}}))).isprintable()
