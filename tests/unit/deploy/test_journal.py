"""The journal and the lock of deploys: root's alone, durable, readable, and never believed blindly."""

from __future__ import annotations

import os
import resource
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING

import pytest

from vawsum_agent.core.clock import SystemClock
from vawsum_agent.core.errors import BusyError, DeployError
from vawsum_agent.deploy.journal import Journal, Refusal
from vawsum_agent.deploy.layout import AppFolder
from vawsum_agent.deploy.lock import Holder, locked
from vawsum_agent.deploy.machine import End, Step
from vawsum_agent.deploy.record import Record, decoded
from vawsum_agent.deploy.trust import own_folder

if TYPE_CHECKING:
    from pathlib import Path

FIRST, SECOND = "20261129T080000Z-0011aabb", "20261129T090000Z-0011aabb"

FROZEN = (
    b'{"version":1,"deploy_id":"20261129T080000Z-0011aabb","app":"web","kind":"rollback","release":"20261128T1Z-b",'
    b'"previous":"","sha256":"","instance_id":"i-1","by":"root","began_at":1.5,"ended_at":9.0,"end":"taken back",'
    b'"lines":[{"step":"hook fetched","phase":"failed","at":2.0,"text":"exit code 1"}],'
    b'"remembered":{"place":{"way":"none"}}}'
)


def record(deploy_id: str = FIRST, end: End | None = None) -> Record:
    """One that is only a name."""
    return Record(deploy_id=deploy_id, app="web", kind="start", release="r2", began_at=0.0, end=end)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """An empty one."""
    journal = Journal(AppFolder(tmp_path / "web"), SystemClock())
    journal.prepare()
    return journal


def test_the_format_of_version_1() -> None:
    """Records that are on hosts stay readable."""
    found = decoded(FROZEN)
    assert (found.end, found.lines[0].step) == (End.TAKEN_BACK, Step.HOOK_FETCHED)
    assert found.recall("place", dict) == {"way": "none"}


def test_notes_are_on_disk(journal: Journal) -> None:
    """A note that was made is what the next process reads, and what was remembered before it."""
    kept = record()
    kept.remember("place", {"way": "standby"})
    journal.note(kept, Step.FETCH, "begun")
    found = journal.read(FIRST)
    assert found is not None
    assert (found.lines, found.recall("place", dict)) == (kept.lines, {"way": "standby"})


def test_what_has_to_be_finished(journal: Journal) -> None:
    """Unfinished are those without an end and those stuck, whatever became of others."""
    journal.write(record(FIRST, End.STUCK))
    assert [each.deploy_id for each in journal.unfinished()] == [FIRST]
    journal.write(record(SECOND))
    assert [each.deploy_id for each in journal.unfinished()] == [FIRST, SECOND]
    journal.write(record(SECOND, End.TAKEN_BACK))
    assert [each.deploy_id for each in journal.unfinished()] == [FIRST]
    journal.write(record(FIRST, End.DEPLOYED))
    assert journal.unfinished() == []


@pytest.mark.parametrize("body", [b"", b"\xff\x00", b"[]", b'{"version":2}', b'{"deploy_id":1}'])
def test_a_record_that_makes_no_sense(journal: Journal, body: bytes) -> None:
    """Nobody knows how that deploy ended, which is told; history shows those that can be read."""
    journal.write(record(SECOND, End.DEPLOYED))
    (journal.folder / f"{FIRST}.json").write_bytes(body)
    (damage,) = journal.damage()
    assert "no record of a deploy" in damage.message
    assert [each.deploy_id for each in journal.records()] == [SECOND]


def test_a_refusal_is_told_once(journal: Journal) -> None:
    """Why it did not begin reaches whoever follows."""
    journal.refuse(FIRST, Refusal(message="busy", exit_code=75))
    assert journal.refusal(FIRST) == Refusal(message="busy", exit_code=75)
    assert journal.refusal(FIRST) is None


def test_the_second_one_is_busy(tmp_path: Path) -> None:
    """Whatever the application, the second one is told who is first, and may begin when that has ended."""
    folders = {name: AppFolder(tmp_path / name) for name in ("web", "api")}
    for folder in folders.values():
        Journal(folder, SystemClock()).prepare()
    first = Holder(deploy_id=FIRST, app="web", what="start", pid=1)
    second = Holder(deploy_id=SECOND, app="api", what="start", pid=2)
    with locked(folders, first):
        with pytest.raises(BusyError, match=f"start of web, {FIRST}") as caught, locked(folders, second):
            pass
        assert caught.value.exit_code == 75
    with locked(folders, second):
        pass


def test_nobody_else_can_hold_the_lock(tmp_path: Path) -> None:
    """Whoever could open it could hold it; and a link in its place is not followed."""
    folder = AppFolder(tmp_path / "web")
    Journal(folder, SystemClock()).prepare()
    holder = Holder(deploy_id=FIRST, app="web", what="start", pid=1)
    with locked({"web": folder}, holder):
        assert (folder.journal / "lock").stat().st_mode & 0o777 == 0o600
    (folder.journal / "lock").unlink()
    (folder.journal / "lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DeployError), locked({"web": folder}, holder):
        pass
    assert not (tmp_path / "elsewhere").exists()


def test_a_folder_of_others(tmp_path: Path) -> None:
    """A path that somebody else could replace is refused by name, with what to do."""
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    with pytest.raises(DeployError, match="can be written by everybody"):
        own_folder(tmp_path / "open" / "web")
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(DeployError, match="symbolic link"):
        own_folder(tmp_path / "link" / "web")
    (tmp_path / "file").touch()
    with pytest.raises(DeployError, match="no folder"):
        own_folder(tmp_path / "file")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give folders away")
def test_a_folder_of_another_user(tmp_path: Path) -> None:
    """What belongs to another user is not root's to work in, however its mode."""
    (tmp_path / "web").mkdir(mode=0o755)
    os.chown(tmp_path / "web", 65534, 0)
    with pytest.raises(DeployError, match="belongs to user 65534"):
        own_folder(tmp_path / "web")
    os.chown(tmp_path / "web", 0, 65534)
    (tmp_path / "web").chmod(0o775)
    with pytest.raises(DeployError, match="written by group 65534"):
        own_folder(tmp_path / "web")


def test_old_records(tmp_path: Path) -> None:
    """Failed deploys, however many, push out neither the healthy ones nor one that is not ended."""
    journal = Journal(AppFolder(tmp_path / "web"), SystemClock(), most_records=4)
    journal.prepare()
    for number, end in enumerate([*End, None]):
        journal.write(record(f"20260101T0000{number:02}Z-0011aabb", end))
    for number in range(6):
        journal.close(record(f"20260202T0000{number:02}Z-0011aabb"), End.TAKEN_BACK)
    assert [each.end for each in journal.records()] == [End.DEPLOYED, End.STUCK, None, *[End.TAKEN_BACK] * 4]


def test_what_nobody_waits_for(journal: Journal) -> None:
    """What killed processes and refused deploys left goes after a week; what tells of a deploy stays with it."""
    journal.write(record(FIRST))
    left = [f"{SECOND}.refused", f"{SECOND}.err", f".{SECOND}.json.77.tmp", f".{FIRST}.json.77.tmp"]
    stays = [f"{FIRST}.log", "README", "20261129T100000Z-0011aabb.log"]
    for name in [*left, *stays]:
        (journal.folder / name).touch()
        if name != stays[-1]:
            os.utime(journal.folder / name, (1, 1))
    journal.close(record(FIRST), End.DEPLOYED)
    assert {path.name for path in journal.folder.iterdir()} == {*stays, f"{FIRST}.json"}


def test_a_holder_that_can_not_be_told(tmp_path: Path) -> None:
    """On a full disk nobody can write who holds the lock: it is held all the same, and a drained host taken back."""
    folder = AppFolder(tmp_path / "web")
    Journal(folder, SystemClock()).prepare()
    holder = Holder(deploy_id=FIRST, app="web", what="start", pid=1)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
    try:
        with (
            locked({"web": folder}, holder),
            pytest.raises(BusyError, match="another deploy"),
            locked({"web": folder}, holder),
        ):
            pass
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_two_that_make_the_first_folder(tmp_path: Path) -> None:
    """Two commands at once on a new host: neither fails because the other was quicker."""
    together = Barrier(4)

    def make(number: int) -> None:
        together.wait()
        own_folder(tmp_path / str(number // 4) / "a" / "b")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(make, range(4 * 50)))


class Clock(SystemClock):
    """One that somebody sets."""

    at = 0.0

    def now(self) -> float:
        """See `Clock.now`."""
        return self.at


def test_names_sort_by_when_they_were_asked_for(tmp_path: Path) -> None:
    """Also within one second, and where the clock was set back: nothing later looks older."""
    clock = Clock()
    clock.at = 1795939200.5
    journal = Journal(AppFolder(tmp_path / "web"), clock)
    assert journal.new_id().startswith("20261129T080000Z-")
    journal.prepare()
    asked = []
    for moment in (clock.at, clock.at, clock.at - 86400 * 365, clock.at + 60):
        clock.at = moment
        asked.append(journal.new_id())
        journal.write(record(asked[-1]))
    assert asked == sorted(asked)
    assert [deploy_id[9:15] for deploy_id in asked] == ["080000", "080001", "080002", "080100"]
    journal.write(record("99999999T999999Z-0011aabb"))
    assert journal.new_id().startswith("20261129T080100Z-")
