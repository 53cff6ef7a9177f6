"""The dead-letter folder keeps what it was given, within its limit, through crashes and beside a replay."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.unit.logs.dead_letters import kept, letter
from vawsum_agent.core.errors import BusyError
from vawsum_agent.logs.deadletter import DeadLetters

if TYPE_CHECKING:
    from pathlib import Path


def test_what_is_appended_is_read(tmp_path: Path) -> None:
    """Letters come back in the order they were kept, each once, even if a crash had them kept twice."""
    letters = DeadLetters(tmp_path / "dead", 1 << 20)
    letters.append([letter(1), letter(2)])
    letters.append([letter(2), letter(3)])
    assert kept(letters) == ["message 1", "message 2", "message 3"]


def test_the_oldest_go_at_the_limit(tmp_path: Path) -> None:
    """The folder never holds more than its limit; what had to go is told, in bytes."""
    letters = DeadLetters(tmp_path / "dead", 4000)
    gone = sum(letters.append([letter(number)]) for number in range(200))
    assert letters.count_bytes() <= 4000
    assert gone > 30_000
    assert kept(letters)[-1] == "message 199"


def test_small_files_are_no_reason_to_remove(tmp_path: Path) -> None:
    """Replays leave small files behind; only bytes count against the limit."""
    letters = DeadLetters(tmp_path / "dead", 1 << 20)
    for number in range(20):
        letters.append([letter(number)])
        letters.close_newest()
    assert len(kept(letters)) == 20


def test_a_line_cut_short_takes_no_other_with_it(tmp_path: Path) -> None:
    """After a crash in the middle of a line the next letter is whole, and the stump is passed over."""
    letters = DeadLetters(tmp_path / "dead", 1 << 20)
    letters.append([letter(1)])
    with letters.segments()[0].open("ab") as file:
        file.write(b'{"id": "1-0-2')
    letters.append([letter(3)])
    assert kept(letters) == ["message 1", "message 3"]


def test_closing_without_letters_begins_nothing(tmp_path: Path) -> None:
    """Without anything new since the last time there is nothing to close: replays leave no row of empty files."""
    letters = DeadLetters(tmp_path / "dead", 1 << 20)
    assert letters.close_newest() == []
    letters.append([letter(1)])
    first = letters.close_newest()
    assert letters.close_newest() == first
    assert len(letters.segments()) == 2


def test_taken_letters_are_gone_before_and_after_the_rewrite(tmp_path: Path) -> None:
    """What was taken is not read again, whether or not the file was rewritten yet; a file without rest is removed."""
    letters = DeadLetters(tmp_path / "dead", 1 << 20)
    letters.append([letter(number) for number in range(4)])
    (segment,) = letters.close_newest()
    letters.take(segment, ["1-0-1-0", "1-0-2-0"])
    assert kept(letters) == ["message 0", "message 3"]
    letters.remove_taken(segment)
    assert kept(letters) == ["message 0", "message 3"]
    assert not segment.with_suffix(".taken").exists()
    letters.take(segment, ["1-0-0-0", "1-0-3-0"])
    letters.remove_taken(segment)
    assert not segment.exists()


def test_death_between_rewrite_and_forgetting_changes_nothing(tmp_path: Path) -> None:
    """Notes that are left beside a rewritten file take nothing away from it."""
    letters = DeadLetters(tmp_path / "dead", 1 << 20)
    letters.append([letter(1), letter(2)])
    (segment,) = letters.close_newest()
    letters.take(segment, ["1-0-1-0"])
    notes = segment.with_suffix(".taken").read_bytes()
    letters.remove_taken(segment)
    segment.with_suffix(".taken").write_bytes(notes)
    assert kept(letters) == ["message 2"]


def test_a_note_cut_short_is_no_note(tmp_path: Path) -> None:
    """A crash while noting repeats what was being noted, and nothing else: the next notes stay whole."""
    letters = DeadLetters(tmp_path / "dead", 1 << 20)
    letters.append([letter(1), letter(2), letter(3)])
    (segment,) = letters.close_newest()
    letters.take(segment, ["1-0-1-0"])
    with segment.with_suffix(".taken").open("ab") as file:
        file.write(b"1-0-2-0")
    assert kept(letters) == ["message 2", "message 3"]
    letters.take(segment, ["1-0-3-0"])
    assert "message 3" not in kept(letters)


def test_a_file_removed_at_the_limit_is_not_brought_back(tmp_path: Path) -> None:
    """The daemon may reach the limit while a replay works on the oldest file; then that file stays gone."""
    letters = DeadLetters(tmp_path / "dead", 1 << 20)
    letters.append([letter(1), letter(2)])
    (segment,) = letters.close_newest()
    letters.take(segment, ["1-0-1-0"])
    segment.unlink()
    letters.remove_taken(segment)
    assert not segment.exists()


def test_one_replay_at_a_time(tmp_path: Path) -> None:
    """A second replay is told to come later."""
    letters = DeadLetters(tmp_path / "dead", 1 << 20)
    letters.append([letter(1)])
    with letters.replaying(), pytest.raises(BusyError, match="another replay"), letters.replaying():
        pass


@pytest.mark.skipif(os.geteuid() != 0, reason="only root creates files for another user")
def test_root_leaves_the_files_to_the_daemons_user(tmp_path: Path) -> None:
    """A replay run by root creates and rewrites files that the daemon can go on writing to."""
    folder = tmp_path / "dead"
    folder.mkdir()
    os.chown(folder, 12_345, 12_345)
    letters = DeadLetters(folder, 1 << 20)
    with letters.replaying():
        letters.append([letter(1), letter(2)])
        (segment,) = letters.close_newest()
        letters.take(segment, ["1-0-1-0"])
        letters.remove_taken(segment)
    assert {path.stat().st_uid for path in folder.iterdir()} == {12_345}
