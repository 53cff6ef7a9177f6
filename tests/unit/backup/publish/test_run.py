"""A run among other hosts and on a host in trouble: who makes the backup, and what is told when it fails."""

from __future__ import annotations

import time
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from tests.unit.backup.manifests import manifest
from tests.unit.backup.publish.buckets import PREFIX, MemoryBucket
from vawsum_agent.aws.uploads import PendingUpload
from vawsum_agent.backup.dump.dump import Dumped, Progress
from vawsum_agent.backup.journal import Journal
from vawsum_agent.backup.manifest import Database, Frame, Stored, encode
from vawsum_agent.backup.names import DUMP, MANIFEST, BackupName
from vawsum_agent.backup.publish.catalog import Catalog
from vawsum_agent.backup.publish.follow_up import FollowedUp, FoundDamaged
from vawsum_agent.backup.publish.make import Maker
from vawsum_agent.backup.publish.run import BackupRun, Means
from vawsum_agent.backup.restore import progress
from vawsum_agent.backup.restore.plan import Selection
from vawsum_agent.backup.server.facts import Server
from vawsum_agent.backup.server.grants import Grants
from vawsum_agent.core.clock import SystemClock
from vawsum_agent.core.errors import BackupError, BusyError
from vawsum_agent.core.identity import Identity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from vawsum_agent.backup.manifest import Manifest
    from vawsum_agent.backup.publish.attempt import Writer

SLOT = 1_780_000_000.0
SERVER = Server(
    flavour="mariadb",
    version="10.11.19-MariaDB",
    number=(10, 11, 19),
    is_binlog_on=False,
    net_write_timeout_s=60,
    databases=[Database(name="school")],
    tables=[],
)


@dataclass
class Tenure:
    """A right that is held."""

    generation: int
    is_lost: bool = False
    noted: tuple[float | None, str] = (None, "")

    def confirm(self) -> None:
        """See `Tenure.confirm`."""

    def note(self, slot: float | None, backup_id: str) -> None:
        """See `Tenure.note`."""
        self.noted = (slot, backup_id)


@dataclass
class Right:
    """One that another host may have used.

    Attributes:
        done_slots: what is told each time that it is asked.
        made: the backup that was made last.
        is_busy: another host has it.
    """

    done_slots: list[float | None] = field(default_factory=list)
    tenure: Tenure = field(default_factory=lambda: Tenure(0))
    is_busy: bool = False
    made: str = "20260528T202640Z"

    def done(self) -> tuple[float | None, str]:
        """See `Right.done`."""
        return (self.done_slots.pop(0), self.made) if self.done_slots else (None, "")

    @contextmanager
    def held(self, above: int = 0) -> Iterator[Tenure]:
        """See `Right.held`."""
        if self.is_busy:
            message = "i-2 makes a backup"
            raise BusyError(message)
        self.tenure.generation = above + 1
        yield self.tenure


@dataclass
class Object:
    """A writer that keeps nothing."""

    name: str

    def write(self, block: bytes) -> None:
        """See `Writer`."""

    def wait_for_room(self, timeout_s: float) -> bool:
        """See `Writer`."""
        return timeout_s > 0

    def finish(self, raw_bytes: int = 0) -> Stored:
        """See `Writer`."""
        return Stored(name=self.name, size_bytes=1, raw_bytes=raw_bytes, sha256="00" * 32, etag='"e"')


@dataclass
class Source:
    """A server whose dump does something first."""

    act: Callable[[Callable[[Progress], None]], object] = lambda _: None

    def identity(self) -> str:
        """See `Source`."""
        return "db-1 3306 /var/lib/mysql/"

    def look(self) -> Server:
        """See `Source`."""
        return SERVER

    def expect_to_see_all(self, server: Server) -> None:
        """See `Source`."""

    def client(self, server: Server) -> str:
        """See `Source`."""
        return f"dump of {server.version}"

    def grants(self, server: Server) -> Grants:
        """See `Source`."""
        del server
        return Grants(())

    def dump(
        self, server: Server, writer: Writer, on_progress: Callable[[Progress], None], is_halted: Callable[[], bool]
    ) -> Dumped:
        """See `Source`."""
        del server, writer
        self.act(on_progress)
        head = Frame(kind="head", offset=0, size_bytes=1, raw_bytes=1)
        return Dumped(frames=[head], raw_bytes=1, size_bytes=1, has_trailer=True, is_cancelled=is_halted())


def run(
    folder: Path,
    right: Right,
    source: Source | None = None,
    bucket: MemoryBucket | None = None,
    follow_up: Callable[[BackupName, Manifest], FollowedUp] = lambda *_: FollowedUp(is_verified=True),
) -> BackupRun:
    """Make one."""
    clock, bucket = SystemClock(), bucket or MemoryBucket()
    maker = Maker(
        source or Source(),
        PREFIX,
        lambda key, *_: nullcontext(Object(key.rpartition("/")[2])),
        clock,
        Identity("i-1", "db-1", "production", "db"),
        "1",
    )
    means = Means(
        maker=maker,
        bucket=bucket,
        catalog=Catalog(bucket, PREFIX),
        right=right,
        journal=Journal(folder),
        clock=clock,
        follow_up=follow_up,
        show=lambda *_: None,
        is_halted=lambda: False,
    )
    return BackupRun(means, PREFIX, "db", SLOT)


def test_made(tmp_path: Path) -> None:
    """For the moment of the schedule, which is noted under the right."""
    right = Right()
    outcome, made = run(tmp_path, right).run()
    assert made is not None
    assert (outcome.is_ok, outcome.is_skipped) == (True, False)
    assert right.tenure.noted == (SLOT, made.backup_id)


def test_what_others_left_is_thrown_away(tmp_path: Path) -> None:
    """A run that S3's outage kept from aborting its upload left it to the next one, whatever its age."""
    bucket = MemoryBucket()
    left = PendingUpload(BackupName("db", "20260101T000000Z").key(PREFIX, DUMP), "left", time.time())
    others = PendingUpload(BackupName("other", "20260101T000000Z").key(PREFIX, DUMP), "others", time.time())
    bucket.uploads = [left, others]
    run(tmp_path, Right(), bucket=bucket).run()
    assert bucket.uploads == [others]


@pytest.mark.parametrize("done", [[SLOT], [None, SLOT]])
def test_another_host_was_faster(tmp_path: Path, done: list[float | None]) -> None:
    """Before it was asked, or between that and the right: tonight's is made once."""
    right = Right(done)
    outcome, made = run(tmp_path, right).run()
    assert made is None
    assert (outcome.is_skipped, outcome.backup_id) == (True, right.made)
    assert right.tenure.noted == (None, "")


def test_made_anew_for_one_that_was_damaged(tmp_path: Path) -> None:
    """A backup that was made for this moment, and of which a look said later that it is damaged, is none."""
    bucket, before = MemoryBucket(), BackupName("db", Right().made)
    bucket.publish(before)
    bucket.damage(before)
    outcome, made = run(tmp_path, Right([SLOT, SLOT]), bucket=bucket).run()
    assert made is not None
    assert not outcome.is_skipped


@pytest.mark.parametrize("is_damaged", [True, False])
def test_what_was_not_read_back(tmp_path: Path, *, is_damaged: bool) -> None:
    """The moment counts as done unless what was read is damaged: then nobody is told that it is; both have failed."""

    def fail(name: BackupName, _: Manifest) -> FollowedUp:
        raise (FoundDamaged if is_damaged else BackupError)(f"{name.backup_id} can't be read")

    right = Right()
    with pytest.raises(BackupError, match="can't be read"):
        run(tmp_path, right, follow_up=fail).run()
    (outcome,) = Journal(tmp_path).outcomes()
    assert not outcome.is_ok
    assert right.tenure.noted == ((None, "") if is_damaged else (SLOT, outcome.backup_id))


def test_a_server_that_is_half_restored(tmp_path: Path) -> None:
    """It is not backed up until the restore is finished, or its note is gone; one into another server matters not."""
    folder, name = Journal(tmp_path).folder, BackupName("db", "20260101T000000Z")
    folder.mkdir()

    def left(identity: str) -> progress.Progress:
        note = progress.Progress(folder, name, Selection("school"), identity)
        note.begin(
            progress.Record(
                server=name.server,
                backup_id=name.backup_id,
                etag="e",
                selection="database school",
                target="db-1",
                identity=identity,
                started_at=1.0,
            )
        )
        return note

    left("db-2 3306 /var/lib/mysql/")
    _, made = run(tmp_path, Right()).run()
    assert made is not None
    ours = left(Source().identity())
    with pytest.raises(BackupError, match="database school of backup 20260101T000000Z") as caught:
        run(tmp_path, Right()).run()
    assert f"rm {ours.path}" in caught.value.hint
    assert Journal(tmp_path).outcomes()[-1].error == caught.value.message
    ours.path.unlink()
    _, made = run(tmp_path, Right()).run()
    assert made is not None


@pytest.mark.parametrize("host", ["i-1", "i-2"])
def test_a_restore_that_was_left_before_the_newest_backup(tmp_path: Path, host: str) -> None:
    """What this host has backed up since is what it holds now; what another host has backed up says nothing of it."""
    bucket, before = MemoryBucket(), BackupName("db", "20260101T000000Z")
    bucket.put_new(before.key(PREFIX, MANIFEST), encode(manifest(before, host=host)), "")
    folder = Journal(tmp_path).folder
    folder.mkdir()
    identity = Source().identity()
    progress.Progress(folder, before, Selection(), identity).begin(
        progress.Record(
            server="db",
            backup_id=before.backup_id,
            etag="e",
            selection="everything",
            target="db-1",
            identity=identity,
            started_at=before.began_at - 1,
        )
    )
    if host == "i-1":
        _, made = run(tmp_path, Right(), bucket=bucket).run()
        assert made is not None
        return
    with pytest.raises(BackupError, match="unfinished, begun 2025-12-31T23:59:59"):
        run(tmp_path, Right(), bucket=bucket).run()


@pytest.mark.parametrize("is_busy", [True, False])
def test_a_server_of_the_same_name_with_other_data(tmp_path: Path, *, is_busy: bool) -> None:
    """Whoever leaves the backup to a host that has none of its data would never have one: that is a failure."""
    bucket, before = MemoryBucket(), BackupName("db", "20260101T000000Z")
    bucket.put_new(before.key(PREFIX, MANIFEST), encode(manifest(before, databases=[Database(name="shop")])), "")
    with pytest.raises(BackupError, match="no school"):
        run(tmp_path, Right([] if is_busy else [SLOT], is_busy=is_busy), bucket=bucket).run()
    (outcome,) = Journal(tmp_path).outcomes()
    assert not outcome.is_ok


def test_a_replica_waits(tmp_path: Path) -> None:
    """One with the same data is busy, and that is all."""
    bucket, before = MemoryBucket(), BackupName("db", "20260101T000000Z")
    bucket.put_new(before.key(PREFIX, MANIFEST), encode(manifest(before)), "")
    with pytest.raises(BusyError):
        run(tmp_path, Right(is_busy=True), bucket=bucket).run()
    assert Journal(tmp_path).outcomes() == []


def test_generations_outlive_the_lease(tmp_path: Path) -> None:
    """Where its object is gone, they go on from what the backups tell."""
    bucket, before = MemoryBucket(), BackupName("db", "20260101T000000Z")
    bucket.put_new(before.key(PREFIX, MANIFEST), encode(manifest(before, generation=41)), "")
    _, made = run(tmp_path, Right(), bucket=bucket).run()
    assert made is not None
    assert made.generation == 42


def test_lost_right(tmp_path: Path) -> None:
    """Who stood still for so long that another host took over is told that, not that somebody ended it."""
    right = Right()

    def lose(_: object) -> None:
        right.tenure.is_lost = True

    with pytest.raises(BackupError, match="another host has taken the right"):
        run(tmp_path, right, Source(lose)).run()
    (outcome,) = Journal(tmp_path).outcomes()
    assert (outcome.is_ok, outcome.is_halted) == (False, False)


def test_the_reason_is_told_though_it_cant_be_noted(tmp_path: Path) -> None:
    """A journal that can't be written hides no failure."""

    def break_down(_: object) -> None:
        (tmp_path / "backup" / "running.json").unlink()
        (tmp_path / "backup" / "history.json").mkdir()
        message = "the server went away"
        raise BackupError(message)

    with pytest.raises(BackupError, match="the server went away"):
        run(tmp_path, Right(), Source(break_down)).run()


def test_progress_that_cant_be_noted(tmp_path: Path) -> None:
    """A disk that fills up amid a backup, which needs none, does not end it."""

    def fill_up(tell: Callable[[Progress], None]) -> None:
        (tmp_path / "backup" / "running.tmp").mkdir()
        tell(Progress(1, "school", "pupils"))

    _, made = run(tmp_path, Right(), Source(fill_up)).run()
    assert made is not None
