"""What is done survives whatever ends a restore."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from vawsum_agent.backup.manifest import Frame
from vawsum_agent.backup.names import BackupName
from vawsum_agent.backup.restore.plan import Selection
from vawsum_agent.backup.restore.progress import Progress, Record, into, records

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


def test_which_server_is_half_restored(tmp_path: Path) -> None:
    """A restore is known by its server, whatever was restored; one whose note does not name it, by its file."""
    named = _progress(tmp_path, Selection("d", "t"), "db-1")
    named.begin(replace(RECORD, identity="db-1"))
    _progress(tmp_path, target="db-2").begin(replace(RECORD, identity="db-2"))
    unnamed = _progress(tmp_path, target="db-1")
    content = msgspec.json.decode(msgspec.json.encode(replace(RECORD, server=NAME.server, backup_id=NAME.backup_id)))
    del content["identity"]
    unnamed.path.write_bytes(msgspec.json.encode(content) + b"\n")
    assert {path for path, _ in into(tmp_path, "db-1")} == {named.path, unnamed.path}
    assert into(tmp_path, "db-3") == []
    assert into(tmp_path / "none", "db-1") == []
    assert unnamed.earlier() is not None


def test_a_whole_restore_ends_what_was_begun_before(tmp_path: Path) -> None:
    """Restored from another backup of the same data, what was restored is not half restored; other data may be."""
    ours = replace(RECORD, server=NAME.server, identity="db-1")
    others = {
        "ours": (Progress(tmp_path, BackupName(NAME.server, "20260101T000000Z"), Selection("d"), "db-1"), ours),
        "of other data": (
            Progress(tmp_path, BackupName("other", "20260101T000000Z"), Selection("d"), "db-1"),
            replace(ours, server="other"),
        ),
        "elsewhere": (
            Progress(tmp_path, BackupName(NAME.server, "20260101T000000Z"), Selection("d"), "db-2"),
            replace(ours, identity="db-2"),
        ),
    }
    for progress, record in others.values():
        progress.begin(record)
    again = _progress(tmp_path, Selection("f"))
    again.begin(replace(ours, selection="database f"))
    Progress(tmp_path, BackupName(NAME.server, "20260101T000000Z"), Selection("f"), "db-1").end()
    assert again.earlier() is None
    part, whole = _progress(tmp_path, Selection("e")), _progress(tmp_path)
    part.begin(ours)
    part.end()
    assert {path for path, _ in records(tmp_path)} == {progress.path for progress, _ in others.values()}
    whole.begin(ours)
    whole.end()
    assert {path for path, _ in records(tmp_path)} == {others[name][0].path for name in ("of other data", "elsewhere")}
