"""What is done survives whatever ends a restore."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.backup.manifest import Frame
from vawsum_agent.backup.names import BackupName
from vawsum_agent.backup.restore.plan import Selection
from vawsum_agent.backup.restore.progress import Progress, Record

if TYPE_CHECKING:
    from pathlib import Path

NAME = BackupName("production-db", "20260131T183000Z")
RECORD = Record(server="s", backup_id="b", etag="e", selection="everything", target="x", started_at=1.0)


def _frame(name: str) -> Frame:
    return Frame(kind="table", offset=0, size_bytes=1, raw_bytes=1, database="d", name=name)


def _progress(folder: Path, selection: Selection | None = None, target: str = "db-1") -> Progress:
    return Progress(folder, NAME, selection or Selection(), target)


def test_what_was_noted_is_there_again(tmp_path: Path) -> None:
    """Steps and tables of an earlier run count as done."""
    first = _progress(tmp_path)
    first.begin(RECORD)
    first.add("accounts")
    first.add("table", _frame("t"))
    earlier = _progress(tmp_path).earlier()
    assert earlier is not None
    assert earlier.record == RECORD
    second = _progress(tmp_path)
    second.go_on(earlier, {("d", "t")})
    assert second.has("accounts")
    assert not second.has("databases")
    assert second.has("table", _frame("t"))
    assert not second.has("table", _frame("u"))
    assert second.table_count == 1


def test_a_table_that_is_gone_is_not_done(tmp_path: Path) -> None:
    """What the server does not have any more is restored again."""
    first = _progress(tmp_path)
    first.begin(RECORD)
    first.add("table", _frame("t"))
    earlier = _progress(tmp_path).earlier()
    assert earlier is not None
    second = _progress(tmp_path)
    second.go_on(earlier, set())
    assert not second.has("table", _frame("t"))


def test_a_line_cut_off_by_a_crash_counts_for_nothing(tmp_path: Path) -> None:
    """At any length of the file what stands whole in it is taken, and nothing else."""
    first = _progress(tmp_path)
    first.begin(RECORD)
    begun = first.path.read_bytes()
    first.add("table", _frame("t"))
    first.add("table", _frame("u"))
    content = first.path.read_bytes()
    for length in range(len(content) + 1):
        first.path.write_bytes(content[:length])
        earlier = _progress(tmp_path).earlier()
        if earlier is None:
            assert length < len(begun)
        else:
            assert len(earlier.tables) == content[len(begun) : length].count(b"\n")


def test_other_restores_have_other_files(tmp_path: Path) -> None:
    """Another selection or another server is another restore."""
    paths = {
        _progress(tmp_path).path,
        _progress(tmp_path, Selection("d")).path,
        _progress(tmp_path, Selection("d", "t")).path,
        _progress(tmp_path, target="db-2").path,
    }
    assert len(paths) == 4


def test_nothing_is_left_in_the_end(tmp_path: Path) -> None:
    """A restore that is done leaves nothing to go on with."""
    progress = _progress(tmp_path)
    progress.begin(RECORD)
    progress.end()
    assert progress.earlier() is None
    assert list(tmp_path.iterdir()) == []
