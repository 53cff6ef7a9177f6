"""The store: damage, versions, a full disk, and the journal of batches."""

from __future__ import annotations

import os
import sqlite3
from typing import TYPE_CHECKING

import pytest

from vawsum_agent.core.clock import SystemClock
from vawsum_agent.core.errors import StateError
from vawsum_agent.state.inspection import read_snapshot
from vawsum_agent.state.log_batches import BatchRecord, LogBatches
from vawsum_agent.state.log_files import LogFiles
from vawsum_agent.state.log_records import Fingerprint, Marker
from vawsum_agent.state.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from vawsum_agent.state.log_records import FileRecord


def open_store(folder: Path) -> Store:
    """Open the store of a folder."""
    return Store.open(folder / "state.db", SystemClock())


def add_file(store: Store, path: str = "/var/log/x") -> FileRecord:
    """Begin a generation."""
    return LogFiles(store).add(
        source="s",
        path=path,
        fingerprint=Fingerprint(1, 2**64 - 1, 0, ""),
        start_offset=0,
        initial_size=0,
        modified_at=0.0,
    )


def batch(file_id: int, start: int, end: int) -> BatchRecord:
    """Describe a batch."""
    return BatchRecord(file_id, "g", "s", start, end, 1, 2, b"[1,[]]", "d", Marker(1, str(end)), 0.0)


@pytest.mark.parametrize(
    "content", [b"", b"SQLite format 3\0" + b"\0" * 80, b"junk" * 5000], ids=["empty", "short", "junk"]
)
def test_damaged_store_is_moved_aside_and_said(tmp_path: Path, content: bytes) -> None:
    """state.db empty or damaged: moved aside, begun anew, with the reason for status."""
    (tmp_path / "state.db").write_bytes(content)
    store = open_store(tmp_path)
    assert store.rebuilt_because is not None
    assert "state.db" in store.rebuilt_because
    assert [path.read_bytes() for path in tmp_path.glob("state.db.damaged-*")] == [content]
    assert add_file(store).file_id == 1


def test_truncated_store_is_moved_aside(tmp_path: Path) -> None:
    """state.db cut in the middle: moved aside, never half used."""
    store = open_store(tmp_path)
    for number in range(300):
        add_file(store, f"/var/log/{number}" + "x" * 200)
    store.close()
    path = tmp_path / "state.db"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert open_store(tmp_path).rebuilt_because is not None


def test_missing_store_is_a_first_start(tmp_path: Path) -> None:
    """No state.db is a first start, not damage."""
    assert open_store(tmp_path).rebuilt_because is None


def test_lost_store_without_a_copy_is_said(tmp_path: Path) -> None:
    """No state.db and no copy where an agent worked before: the streams are asked first, and it is said."""
    open_store(tmp_path).close()
    for file in tmp_path.glob("state.db*"):
        file.unlink()
    store = open_store(tmp_path)
    assert store.rebuilt_because == "state.db was missing; begun anew"
    assert store.may_lag


@pytest.fixture
def open_umask() -> Iterator[None]:
    """A process whose new files anybody may read."""
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("open_umask")
def test_nobody_else_reads_the_store(tmp_path: Path) -> None:
    """Store, write-ahead log, index, copy, what is restored and what is moved aside: only for owner and group."""
    store = open_store(tmp_path)
    add_file(store)
    store.save_copy()
    first = modes(tmp_path)
    store.close()
    (tmp_path / "state.db").write_bytes(b"junk" * 5000)
    for name in ("state.db", "state.db-wal"):  # as earlier versions left it
        (tmp_path / name).touch()
        (tmp_path / name).chmod(0o666)
    restored = open_store(tmp_path)
    second = modes(tmp_path)
    restored.close()
    names = {"state.db", "state.db-wal", "state.db-shm", "state.db.copy"}
    assert names <= first.keys()
    assert names <= second.keys()
    assert any(name.startswith("state.db.damaged") for name in second)
    assert not {name for found in (first, second) for name, mode in found.items() if mode & ~0o640}


def modes(folder: Path) -> dict[str, int]:
    """The mode of each file."""
    return {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir() if path.is_file()}


class BusyClock(SystemClock):
    """A second passes whenever it is looked at, and more when the test says so."""

    steady = 0.0

    def monotonic(self) -> float:
        """See `Clock.monotonic`."""
        self.steady += 1.0
        return self.steady


def test_a_store_that_takes_long_to_copy_is_copied_less_often(tmp_path: Path) -> None:
    """Outages make a store large: its copies take a small share of the time at most."""
    clock = BusyClock()
    store = Store.open(tmp_path / "state.db", clock)
    copy = tmp_path / "state.db.copy"
    store.count("x", 1)
    store.save_copy()
    first = copy.stat().st_ino
    store.count("x", 1)
    clock.steady += 100
    store.save_copy()
    assert copy.stat().st_ino == first
    clock.steady += 10_000
    store.save_copy()
    assert copy.stat().st_ino != first
    store.close()


def test_lost_store_is_restored_from_its_copy(tmp_path: Path) -> None:
    """A store that is gone or damaged comes back as it was at its last copy, and is known to lag behind the deeds."""
    store = open_store(tmp_path)
    add_file(store)
    store.close()
    for damage in ("missing", "junk"):
        path = tmp_path / "state.db"
        path.unlink() if damage == "missing" else path.write_bytes(b"junk" * 5000)
        store = open_store(tmp_path)
        assert "restored from the copy of" in (store.rebuilt_because or "")
        assert store.may_lag
        assert len(LogFiles(store).of_source("s")) == 1
        store.close()
    assert not open_store(tmp_path).may_lag


def test_power_cut_is_noticed(tmp_path: Path) -> None:
    """Another boot without a close in between: the last commits may be missing. A crash in one boot loses none."""
    open_store(tmp_path)
    assert not open_store(tmp_path).may_lag
    with sqlite3.connect(tmp_path / "state.db") as connection:
        connection.execute("UPDATE boot SET boot_id = 'another'")
    assert open_store(tmp_path).may_lag


def test_newer_store_is_refused(tmp_path: Path) -> None:
    """state.db from a newer version: one clear line, and the file untouched."""
    open_store(tmp_path).close()
    with sqlite3.connect(tmp_path / "state.db") as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(StateError, match="schema 99"):
        open_store(tmp_path)


def test_journal_moves_the_checkpoint_over_what_is_settled_without_a_gap(tmp_path: Path) -> None:
    """A batch accepted early counts at once in the ledger, in the checkpoint only when those before it are."""
    store = open_store(tmp_path)
    files, journal = LogFiles(store), LogBatches(store)
    file_id = add_file(store).file_id
    ids = [journal.record(batch(file_id, start, start + 10)) for start in (0, 10, 20)]
    assert journal.accept(ids[1], 10, {}) == 0
    assert files.of_source("s")[0].accepted_bytes == 10
    assert [(record.start, record.is_accepted) for record in journal.of_file(file_id)] == [
        (0, False),
        (10, True),
        (20, False),
    ]
    assert journal.accept(ids[0], 7, {"too_new": 3}) == 20
    record = files.of_source("s")[0]
    assert (record.offset, record.marker, record.accepted_bytes, record.dropped_bytes) == (
        20,
        Marker(1, "20"),
        17,
        {"too_new": 3},
    )
    assert [record.start for record in journal.of_file(file_id)] == [20]


def test_journal_remembers_the_last_batches_of_a_stream(tmp_path: Path) -> None:
    """Enough accepted batches stay to tell identical lines apart, and no more."""
    store = open_store(tmp_path)
    journal = LogBatches(store)
    file_id = add_file(store).file_id
    for number in range(50):
        journal.accept(journal.record(batch(file_id, number * 10, number * 10 + 10)), 10, {})
    assert 16 <= len(journal.accepted_between("g", "s", 0, 10)) < 24


def test_ledger_of_forgotten_files_is_folded(tmp_path: Path) -> None:
    """Rows of files long gone end in one total."""
    store = open_store(tmp_path)
    files, journal = LogFiles(store), LogBatches(store)
    for _ in range(2):
        file_id = add_file(store).file_id
        journal.accept(journal.record(batch(file_id, 0, 10)), 8, {"empty": 2})
        files.remove(file_id)
    assert files.of_source("s") == []
    assert files.folded() == {"s": {"files": 2, "accepted_bytes": 16, "dropped_by_reason": {"empty": 4}}}


def test_names_that_are_no_text_survive(tmp_path: Path) -> None:
    """A file name that is no valid UTF-8, and the largest inode number, come back as they were."""
    store = open_store(tmp_path)
    add_file(store, "/var/log/\udcff.log")
    record = LogFiles(store).of_source("s")[0]
    assert (record.path, record.fingerprint.inode) == ("/var/log/\udcff.log", 2**64 - 1)


def test_snapshot_is_readable_without_the_daemon(tmp_path: Path) -> None:
    """What status showed last can be read from the file, beside the daemon and after it, and reading leaves nothing."""
    assert read_snapshot(tmp_path / "state.db") is None
    store = open_store(tmp_path)
    assert read_snapshot(tmp_path / "state.db") is None
    store.save_snapshot({"state": "running"})
    found = read_snapshot(tmp_path / "state.db")
    assert found is not None
    assert found[0] == {"state": "running"}
    store.close()
    assert read_snapshot(tmp_path / "state.db") == found
    assert not (tmp_path / "state.db-wal").exists()
