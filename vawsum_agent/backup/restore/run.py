"""``backup restore``: from a backup to a server that has it, told to the journal of this host.

    lock of this host -> what the server is, and would lose -> accounts -> databases -> tables -> views and the like
    -> grants -> report

What is done is noted after each step. Whatever ends a restore leaves a note by which ``--resume`` goes on.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from vawsum_agent.backup.job import begun
from vawsum_agent.backup.names import DUMP, GRANTS
from vawsum_agent.backup.restore import target
from vawsum_agent.backup.restore.accounts import Accounts
from vawsum_agent.backup.restore.allowed import check
from vawsum_agent.backup.restore.client import Clients
from vawsum_agent.backup.restore.counts import Counts, count_rows
from vawsum_agent.backup.restore.head import head_for
from vawsum_agent.backup.restore.load import Done, Load
from vawsum_agent.backup.restore.meter import Meter
from vawsum_agent.backup.restore.plan import make_plan
from vawsum_agent.backup.restore.progress import Progress, Record
from vawsum_agent.backup.restore.report import examine
from vawsum_agent.backup.restore.source import PATIENCE_S, Source, Waiting
from vawsum_agent.backup.restore.table import Loader
from vawsum_agent.core.errors import BackupError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vawsum_agent.backup.job import Job
    from vawsum_agent.backup.journal import Journal, Outcome
    from vawsum_agent.backup.manifest import Manifest
    from vawsum_agent.backup.names import BackupName
    from vawsum_agent.backup.restore.accounts import Barred
    from vawsum_agent.backup.restore.meter import Show
    from vawsum_agent.backup.restore.plan import Plan, Selection
    from vawsum_agent.backup.restore.report import Report
    from vawsum_agent.backup.restore.source import RangeBucket
    from vawsum_agent.backup.restore.target import Target
    from vawsum_agent.backup.server.facts import Flavour
    from vawsum_agent.backup.server.programs import Program
    from vawsum_agent.core.clock import Clock

ACCOUNTS, GRANTED = "accounts", "grants"
_NOTED_EVERY_S = 1.0
_LOOK_UP_EVERY_S = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to restore.

    Attributes:
        name, manifest: of the backup.
        option_file: its ``[client]`` section says into which server.
        descriptors: that ``option_file`` may lead to.
        jobs: tables at once.
        is_forced: what is there is overwritten, and an unlikely server is tried.
        is_resumed: go on with what an earlier run has left.
        has_grants: accounts are restored, where everything is.
        is_logged: the server may write it to its binary log.
    """

    name: BackupName
    manifest: Manifest
    selection: Selection
    option_file: str
    descriptors: tuple[int, ...] = ()
    jobs: int = 2
    is_forced: bool = False
    is_resumed: bool = False
    has_grants: bool = True
    is_logged: bool = True

    @property
    def has_accounts(self) -> bool:
        """Accounts come with it."""
        return self.has_grants and self.selection.is_whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What a restore works with.

    Attributes:
        prefix: of all backups.
        find_shell: the client program for a server.
        clock: measures.
        dice: a random number in [0, 1).
        is_halted: asked often; True ends it.
        show: told how far it is.
        tell: told what people should know, a line each.
        patience_s: so long one waits for S3.
        server_patience_s: so long one waits for a server that went away.
    """

    bucket: RangeBucket
    prefix: str
    find_shell: Callable[[Flavour], Program]
    clock: Clock
    dice: Callable[[], float]
    is_halted: Callable[[], bool] = lambda: False
    show: Show = lambda *_: None
    tell: Callable[[str], None] = lambda _: None
    patience_s: float = PATIENCE_S
    server_patience_s: float = PATIENCE_S


@dataclass(frozen=True, slots=True)
class Restored:
    """What came of it.

    Attributes:
        loaded_bytes: of SQL, by this run.
        load_s: until the server had all of it, and its rows were counted.
        total_s: until everything was compared, too.
    """

    target: Target
    plan: Plan
    report: Report
    loaded_bytes: int
    load_s: float
    total_s: float


def restore(request: Request, means: Means, journal: Journal) -> Restored:
    """Restore, and compare what the server has then with the manifest.

    Raises:
        BusyError: another job runs on this host.
        BackupError: the server is not empty, does not take it, or the backup is damaged. What was done is noted.
        AwsError: S3 does not give it.
        AgentError: the server can't be reached.
    """
    name, halted = request.name, means.is_halted
    with (
        journal.locked(),
        begun("restore", journal, means.clock, means.show, halted, server=name.server, backup_id=name.backup_id) as job,
    ):
        restored = _restore(request, replace(means, show=job.show), journal)
        job.end(_outcome(job, restored))
        return restored


def _outcome(job: Job, restored: Restored) -> Outcome:
    differences = restored.report.differences
    return job.outcome(
        is_ok=not differences,
        error=differences[0] if differences else "",
        size_bytes=restored.plan.size_bytes,
        raw_bytes=restored.loaded_bytes,
        restore_s=round(restored.total_s, 3),
    )


def _restore(request: Request, means: Means, journal: Journal) -> Restored:
    began = means.clock.monotonic()
    plan = make_plan(request.manifest, request.selection)
    found = target.look(request.option_file)
    means.tell(f"restoring {plan.selection} of backup {request.name.backup_id} into {found}")
    progress = _begun(request, means, journal, plan, found)
    meter = Meter(plan.raw_bytes, means.show)
    counts = Counts(partial(count_rows, request.option_file), request.jobs)
    try:
        barred = load_all(request, means, plan, found, progress, meter, counts)
    except BackupError as error:
        if not means.is_halted():
            raise
        message = f"the restore was ended: {progress.table_count:,} of {len(plan.tables):,} tables are done"
        raise BackupError(message, hint="the same command with --resume goes on with the others") from error
    load_s = means.clock.monotonic() - began
    meter.phase("comparing")
    report = examine(request.option_file, request.manifest, plan, counts)
    report = replace(report, differences=(*map(str, barred), *report.differences))
    progress.end()
    return Restored(found, plan, report, meter.loaded_bytes, load_s, means.clock.monotonic() - began)


def load_all(
    request: Request,
    means: Means,
    plan: Plan,
    found: Target,
    done: Done,
    meter: Meter,
    counts: Counts | None = None,
) -> list[Barred]:
    """Do what is not done yet; give the accounts whose plugins the server does not have. See `Load`."""
    stopped = threading.Event()

    def is_halted() -> bool:
        return stopped.is_set() or means.is_halted()

    waiting = _waiting(means, is_halted)
    clients = Clients(means.find_shell(found.flavour), request.option_file, request.descriptors, is_halted)
    accounts = _accounts(request, means, clients, waiting, found)
    barred: list[Barred] = []
    if accounts is not None and not done.has(ACCOUNTS):
        meter.phase(ACCOUNTS)
        barred = accounts.create()
        # If we die here, they are made once more; so they are where a plugin was missing, which may be there by then.
        if barred:
            _tell_of(barred, accounts, means, found)
        else:
            done.add(ACCOUNTS)
    source = Source(means.bucket, request.name.key(means.prefix, DUMP), request.manifest.dump, waiting)
    head = head_for(clients.program, b"".join(source.sql(plan.head)), is_logged=request.is_logged)
    for_server = replace(waiting, patience_s=means.server_patience_s)
    loader = Loader(clients, source, head, for_server, meter, counts.forget if counts is not None else lambda: None)
    give = accounts.grant if accounts is not None else _nothing
    Load(plan, loader, done, meter, request.jobs, stopped.set, counts, give).run()
    if accounts is not None and not done.has(GRANTED):
        meter.phase(GRANTED)
        faults = accounts.grant()
        if faults:
            means.tell(f"warning: some grants were not given: {faults}")
        done.add(GRANTED)
    return barred


def _expect_means(request: Request, means: Means, plan: Plan, found: Target) -> None:
    """Fail here where the client is missing, or S3 does not give the dump: nothing was done to the server yet."""
    means.find_shell(found.flavour)
    dump = request.name.key(means.prefix, DUMP)
    for _ in Source(means.bucket, dump, request.manifest.dump, _waiting(means, means.is_halted)).sql(plan.head):
        pass


def _nothing() -> str:
    return ""


def _waiting(means: Means, is_halted: Callable[[], bool]) -> Waiting:
    def nap(seconds: float) -> None:
        ends_at = time.monotonic() + seconds
        while (left_s := ends_at - time.monotonic()) > 0:
            if is_halted():
                raise BackupError("the restore was ended", hint="--resume goes on with what is left")
            time.sleep(min(left_s, _LOOK_UP_EVERY_S))

    return Waiting(means.clock, nap, means.dice, means.patience_s)


def _grants(request: Request, means: Means, waiting: Waiting) -> Source:
    return Source(means.bucket, request.name.key(means.prefix, GRANTS), request.manifest.grants, waiting)


def _tell_of(barred: Sequence[Barred], accounts: Accounts, means: Means, found: Target) -> None:
    for one in barred:
        means.tell(f"warning: {one}")
    remedies = "; ".join(dict.fromkeys(one.remedy(found.flavour) for one in barred))
    means.tell(f"warning: on the server: {remedies}; then run their ALTER USER statements out of {accounts.where}")


def _accounts(request: Request, means: Means, clients: Clients, waiting: Waiting, found: Target) -> Accounts | None:
    if not request.has_accounts:
        return None
    accounts = Accounts(_grants(request, means, waiting), clients, found.account, is_logged=request.is_logged)
    if accounts.has_own:
        means.tell(f"left out: what the backup says of {found.account}, as whom this restore works")
    return accounts


def _begun(request: Request, means: Means, journal: Journal, plan: Plan, found: Target) -> Progress:
    """Begin the note of what is done, unless the server must not be written to."""
    progress = Progress(journal.folder, request.name, request.selection, found.identity)
    earlier = progress.earlier()
    if earlier is not None and earlier.record.etag != request.manifest.dump.etag:
        earlier = None
    if request.is_resumed:
        if earlier is None:
            message = f"there is no restore of {plan.selection} into {found} to go on with"
            raise BackupError(message, hint="begin it without --resume")
        means.tell(f"going on: {len(earlier.tables):,} of {len(plan.tables):,} tables are done")
        progress.go_on(earlier, found.tables)
        return progress
    grants = _grants(request, means, _waiting(means, means.is_halted))
    check(request, plan, found, grants, means.tell, has_earlier=earlier is not None)
    _expect_means(request, means, plan, found)
    # From here on the server counts as half restored: a backup of it is refused until `Progress.end`.
    progress.begin(
        Record(
            server=request.name.server,
            backup_id=request.name.backup_id,
            etag=request.manifest.dump.etag,
            selection=str(plan.selection),
            target=str(found),
            identity=found.identity,
            started_at=means.clock.now(),
        )
    )
    return progress
