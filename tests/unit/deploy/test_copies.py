"""Copies of records, for a daemon that does not see the journal: as the journal is, and never in its way."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from vawsum_agent.core.clock import SystemClock
from vawsum_agent.deploy.copies import copies_here, folder_of_copies
from vawsum_agent.deploy.journal import Journal
from vawsum_agent.deploy.layout import AppFolder
from vawsum_agent.deploy.machine import End, Step
from vawsum_agent.deploy.record import Record


def deploy_id(number: int) -> str:
    """The id of a deploy; ids sort by their number."""
    return f"20261129T{number:06}Z-0011aabb"


def record(number: int = 1, end: End | None = None) -> Record:
    """One that is only a name."""
    return Record(deploy_id=deploy_id(number), app="web", kind="start", release="r2", began_at=0.0, end=end)


@pytest.fixture
def copies(tmp_path: Path) -> Path:
    """The folder of copies, empty."""
    folder = folder_of_copies(tmp_path / "copies", "web")
    assert folder is not None
    return folder


@pytest.fixture
def journal(tmp_path: Path, copies: Path) -> Journal:
    """An empty one with copies."""
    journal = Journal(AppFolder(tmp_path / "web"), SystemClock(), most_records=2, copies=copies)
    journal.prepare()
    return journal


def records_in(folder: Path) -> dict[str, bytes]:
    """All that is in a folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_each_note_is_copied(journal: Journal, copies: Path) -> None:
    """The same bytes, for everybody to read, and nothing beside them."""
    kept = record()
    journal.note(kept, Step.FETCH, "begun")
    assert records_in(copies) == records_in(journal.folder)
    journal.close(kept, End.DEPLOYED)
    assert records_in(copies) == records_in(journal.folder)
    assert copies.stat().st_mode & 0o777 == 0o755
    assert (copies / f"{kept.deploy_id}.json").stat().st_mode & 0o777 == 0o644


def test_a_copy_that_can_not_be_written(journal: Journal, copies: Path) -> None:
    """It is no reason to stop: the journal has the record, and the copy comes when it can."""
    copies.rmdir()
    copies.write_text("in the way")
    journal.close(record(), End.DEPLOYED)
    journal.show_all()
    assert journal.records()[0].end == End.DEPLOYED
    copies.unlink()
    copies.mkdir()
    journal.show_all()
    assert records_in(copies) == records_in(journal.folder)


def test_old_copies_go_with_their_records(journal: Journal, copies: Path) -> None:
    """So does what a killed process left; what is not ours stays."""
    (copies / f".{deploy_id(0)}.json.7.tmp").touch()
    (copies / "README").touch()
    for number in range(5):
        journal.close(record(number), End.TAKEN_BACK)
    assert set(records_in(copies)) == {"README", f"{deploy_id(3)}.json", f"{deploy_id(4)}.json"}


def test_an_older_history_shows(tmp_path: Path, journal: Journal, copies: Path) -> None:
    """What was written without copies, or cut off before the copy, is copied later: the last 200 records."""
    journal.write(record(1))
    plain = Journal(AppFolder(tmp_path / "web"), SystemClock())
    plain.close(record(1), End.TAKEN_BACK)
    for number in range(2, 205):
        (journal.folder / f"{deploy_id(number)}.json").write_bytes(b"{}")
    (copies / f"{deploy_id(999)}.json").touch()
    journal.show_all()
    assert set(records_in(copies)) == {f"{deploy_id(number)}.json" for number in (1, *range(5, 205))}
    for number in range(2, 205):
        (journal.folder / f"{deploy_id(number)}.json").unlink()
    journal.show_all()
    assert records_in(copies) == records_in(journal.folder)


def test_what_is_not_ours_is_not_shown(journal: Journal, copies: Path) -> None:
    """Whoever may write to the journal's folder could have root show any file; a link is not followed in any case."""
    (journal.folder / f"{deploy_id(1)}.json").symlink_to("/etc/passwd")
    (journal.folder / f"{deploy_id(2)}.json").write_text("{}")
    journal.folder.chmod(0o777)
    journal.show_all()
    assert records_in(copies) == {}
    journal.folder.chmod(0o755)
    journal.show_all()
    assert set(records_in(copies)) == {f"{deploy_id(2)}.json"}


@pytest.mark.parametrize(
    ("value", "expected"), [("/a/b", Path("/a/b")), ("/a:/b", Path("/a")), ("", None), ("a:/b", None), (":/b", None)]
)
def test_where_systemd_says(tmp_path: Path, value: str, expected: Path | None) -> None:
    """The first of its folders; nowhere, where it is none that systemd would name."""
    assert copies_here({"STATE_DIRECTORY": value}, tmp_path / "none") == expected
    assert copies_here({}, tmp_path / "none") is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root copies without systemd")
def test_what_root_settles_at_a_prompt(tmp_path: Path) -> None:
    """It shows, too, where services have made copies before."""
    assert copies_here({}, tmp_path) == tmp_path


def test_a_folder_of_copies_that_others_may_write_to(tmp_path: Path) -> None:
    """Root copies nothing there, and goes on."""
    (tmp_path / "web").mkdir()
    (tmp_path / "web").chmod(0o777)
    assert folder_of_copies(tmp_path, "web") is None
    assert folder_of_copies(None, "web") is None
