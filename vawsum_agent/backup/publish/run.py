"""``backup run``: a backup as a job, from the lock of this host to the lease given back.

    lock -> leftovers of a killed run -> lease -> backup made -> read back -> what may expire is marked -> lease, lock

Every step is noted before it is taken. Whatever ends a run before the manifest leaves no backup; whatever ends it after
leaves one that is whole, and the next run makes up for what did not follow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import structlog

from vawsum_agent.backup.job import begun
from vawsum_agent.backup.names import BackupName, backup_id_at, is_backup_id
from vawsum_agent.backup.publish.band import COMPARED
from vawsum_agent.backup.publish.follow_up import FoundDamaged
from vawsum_agent.backup.publish.leftovers import abort_all_but, abort_uploads_of
from vawsum_agent.backup.publish.make import Maker, Order
from vawsum_agent.backup.publish.strangers import of_another_server
from vawsum_agent.backup.restore.progress import into, records
from vawsum_agent.core.clock import rfc3339
from vawsum_agent.core.errors import AgentError, AwsError, BackupError, BusyError

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from vawsum_agent.backup.job import Job
    from vawsum_agent.backup.journal import Journal, Outcome
    from vawsum_agent.backup.manifest import Manifest
    from vawsum_agent.backup.publish.catalog import Catalog
    from vawsum_agent.backup.publish.follow_up import FollowedUp
    from vawsum_agent.backup.publish.leftovers import LeftoverBucket
    from vawsum_agent.core.clock import Clock

_log = structlog.get_logger()


class Tenure(Protocol):
    """The right to make the next backup, while it lasts."""

    @property
    def generation(self) -> int:
        """Grows with every holder."""
        ...

    @property
    def is_lost(self) -> bool:
        """Whether another host may have it by now."""
        ...

    def confirm(self) -> None:
        """Make sure that it is still ours. Raises AgentError."""
        ...

    def note(self, slot: float | None, backup_id: str) -> None:
        """Say what was done under it, when it is given back; None and nothing leave what was told before."""
        ...


class Right(Protocol):
    """Who may make the next backup; see `aws.lease`."""

    def done(self) -> tuple[float | None, str]:
        """Tell the last moment of the schedule for which a backup was made, by any host, and the last backup that was.

        Raises:
            AwsError: S3 does not answer.
        """
        ...

    def held(self, above: int = 0) -> AbstractContextManager[Tenure]:
        """Have it, with a generation above one that was seen. Raises BusyError: another host has; AwsError."""
        ...


@dataclass(frozen=True, slots=True)
class Means:
    """What a run works with.

    Attributes:
        follow_up: what is done once it is published: it is read back, and older ones are marked. Raises AgentError.
        show: told the phase, bytes done and bytes in all.
        is_halted: whether to give up.
    """

    maker: Maker
    bucket: LeftoverBucket
    catalog: Catalog
    right: Right
    journal: Journal
    clock: Clock
    follow_up: Callable[[BackupName, Manifest], FollowedUp]
    show: Callable[[str, int, int | None], None]
    is_halted: Callable[[], bool]


@dataclass(frozen=True, slots=True)
class _Before:
    """What counts of an earlier backup; its manifest may be megabytes."""

    raw_bytes: int
    generation: int


class BackupRun:
    """Runs once.

    Args:
        means: see there.
        prefix: of the backups.
        server: the name of the data.
        slot: the moment of the schedule that it is for; None by hand.
    """

    def __init__(self, means: Means, prefix: str, server: str, slot: float | None) -> None:
        self._means = means
        self._prefix = prefix
        self._server = server
        self._slot = slot

    def run(self) -> tuple[Outcome, Manifest | None]:
        """Make a backup, unless another host made the one of this moment.

        Raises:
            BusyError: another job runs here, or another host makes a backup of the same data. Trying again helps.
            AgentError: there is no new backup, or one that could not be read back; it is in the journal, too.
        """
        means = self._means
        with means.journal.locked():
            self._clear_up()
            with begun(
                "backup",
                means.journal,
                means.clock,
                means.show,
                means.is_halted,
                server=self._server,
                slot=self._slot,
            ) as job:
                outcome, manifest = self._made_by_one(job)
                job.end(outcome)
                return outcome, manifest

    def _clear_up(self) -> None:
        """Throw away what a run began to upload that was killed: its note is still there, and nobody has its lock."""
        before = self._means.journal.running()
        if before is not None and before.kind == "backup" and is_backup_id(before.backup_id):
            try:
                name = BackupName(before.server or self._server, before.backup_id)
                abort_uploads_of(self._means.bucket, self._prefix, name)
            except AwsError as exc:
                # It is found again within the hour, by its age.
                _log.warning("backup_leftovers_kept", backup_id=before.backup_id, error=exc.message)

    def _made_by_one(self, job: Job) -> tuple[Outcome, Manifest | None]:
        """Make it, or leave it to another host of the same data. Raises BackupError: that host has other data."""
        try:
            outcome, manifest = self._made(job)
        except BusyError:
            self._expect_same_data()
            raise
        if outcome.is_skipped:
            self._expect_same_data()
        return outcome, manifest

    def _expect_same_data(self) -> None:
        means = self._means
        try:
            newest = means.catalog.newest(self._server)
            ours = means.maker.source.look()
        except AgentError:
            return  # nobody knows, as of a replica that is down: tonight's is made all the same
        stranger = of_another_server(newest.manifest, ours, means.maker.identity.instance_id) if newest else None
        if stranger is not None:
            raise stranger

    def _made(self, job: Job) -> tuple[Outcome, Manifest | None]:
        means = self._means
        if (done := self._done()) is not None:
            return job.outcome(is_skipped=True, backup_id=done), None
        self._expect_restored()
        before = self._before()
        with means.right.held(above=max((each.generation for each in before), default=0)) as tenure:
            if (done := self._done()) is not None:
                # Another host has made it in between, and given the right back.
                return job.outcome(is_skipped=True, backup_id=done), None
            name = BackupName(self._server, self._free_id())
            # If we die from here on, whoever starts next on this host knows what to throw away.
            job.name(name.backup_id)
            order = Order(
                name=name,
                generation=tenure.generation,
                sizes_before=[each.raw_bytes for each in before],
                confirm=tenure.confirm,
                on_progress=job.show,
                is_halted=lambda: means.is_halted() or tenure.is_lost,
            )
            manifest = self._make(order, tenure)
            tenure.note(self._slot, name.backup_id)
            self._sweep(name)
            try:
                seen = means.follow_up(name, manifest)
            except FoundDamaged:
                # The moment is without a backup still: whoever tries next, here or elsewhere, makes another.
                tenure.note(None, "")
                raise
        outcome = job.outcome(
            is_verified=seen.is_verified,
            flags=[*manifest.flags, seen.remark] if seen.remark else manifest.flags,
            size_bytes=manifest.dump.size_bytes + manifest.grants.size_bytes,
            raw_bytes=manifest.dump.raw_bytes,
        )
        return outcome, manifest

    def _sweep(self, name: BackupName) -> None:
        """Throw away what other runs have left in S3, such as one that could not abort its upload for S3 was away."""
        try:
            abort_all_but(self._means.bucket, self._prefix, name)
        except AwsError as exc:
            _log.warning("backup_leftovers_kept", backup_id=name.backup_id, error=exc.message)

    def _done(self) -> str | None:
        """Name the backup because of which none is wanted for this moment; None where one is. Raises AwsError."""
        if self._slot is None:
            return None
        slot, backup_id = self._means.right.done()
        if slot is None or slot < self._slot:
            return None
        is_damaged = is_backup_id(backup_id) and self._means.catalog.damage(BackupName(self._server, backup_id))
        return None if is_damaged else backup_id

    def _expect_restored(self) -> None:
        """Make sure that the server is none whose restore was broken off: half of its data would be the newest backup.

        Raises:
            BackupError: it is.
            AgentError: it can't be asked.
        """
        folder = self._means.journal.folder
        if not records(folder):
            return
        left = into(folder, self._means.maker.source.identity())
        if left and left[0][1].started_at > self._began_here_at():
            path, record = left[0]
            message = (
                f"a restore into this server is unfinished, begun {rfc3339(record.started_at)}: {record.selection} of"
                f" backup {record.backup_id}: what it holds now is not to be the newest backup"
            )
            hint = f"finish it: vawsum-agent backup restore … --resume; or, if all is as it should be: rm {path}"
            raise BackupError(message, hint=hint)

    def _began_here_at(self) -> float:
        """Tell when the newest backup began, if it is of this host: what was restored before was good enough for it."""
        newest = self._means.catalog.newest(self._server)
        host = self._means.maker.identity.instance_id
        return newest.name.began_at if newest is not None and newest.manifest.host == host else 0.0

    def _make(self, order: Order, tenure: Tenure) -> Manifest:
        try:
            return self._means.maker.make(order)
        except BackupError as error:
            if not tenure.is_lost or self._means.is_halted():
                raise
            message = f"another host has taken the right to make backups of {self._server}, for this one stood still"
            raise BackupError(message, hint="nothing was published here; that host makes the backup") from error

    def _free_id(self) -> str:
        """Name it by this second, or by the next that no other backup is named by."""
        taken = {found.name.backup_id for found in self._means.catalog.found(self._server)}
        at = self._means.clock.now()
        while backup_id_at(at) in taken:
            at += 1.0
        return backup_id_at(at)

    def _before(self) -> list[_Before]:
        found = []
        for name in self._means.catalog.backups(self._server)[-COMPARED:]:
            try:
                manifest = self._means.catalog.manifest(name)
                found.append(_Before(manifest.dump.raw_bytes, manifest.generation))
            except AwsError:
                raise
            except AgentError as exc:
                _log.warning("manifest_unreadable", backup_id=name.backup_id, error=exc.message)
        return found
