"""What a deploying process does under the lock: first what an earlier one left, then what was asked for."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import structlog

from vawsum_agent.core.errors import AgentError, DeployError
from vawsum_agent.deploy.copies import folder_of_copies
from vawsum_agent.deploy.engine import Engine
from vawsum_agent.deploy.healthy import rollback_target
from vawsum_agent.deploy.journal import Journal
from vawsum_agent.deploy.lock import Holder, locked
from vawsum_agent.deploy.machine import End
from vawsum_agent.deploy.record import ENDED, Record
from vawsum_agent.deploy.stopping import ASKED, Stopping

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from vawsum_agent.core.clock import Clock
    from vawsum_agent.deploy.layout import AppFolder
    from vawsum_agent.deploy.machine import Step
    from vawsum_agent.deploy.order import Order

_log = structlog.get_logger()


def _silent(_text: str) -> None:
    """Say nothing."""


class NothingToDo(DeployError):
    """What was asked for is so already: nothing began, and nothing failed."""

    exit_code = 0


@dataclass(frozen=True, slots=True)
class Deeds:
    """What carries out one deploy: what each step does, and what takes secrets out of a text."""

    steps: Mapping[Step, Callable[[], str]]
    redact: Callable[[str], str]


class Marks(Protocol):
    """Where else a deploy shows: dashboards, notifications. Never raises."""

    def began(self, record: Record) -> None:
        """A deploy begins."""
        ...

    def ended(self, record: Record) -> None:
        """A deploy has ended, however."""
        ...


class Work:
    """The deploys of one host.

    Args:
        apps: the folders of all configured applications, by name.
        build: makes the steps of one deploy.
        instance_id: this host.
        copies: where the daemon sees records, a folder an application; None for nowhere.
    """

    def __init__(
        self,
        apps: Mapping[str, AppFolder],
        build: Callable[[Record, Callable[[str], None]], Deeds],
        marks: Marks,
        clock: Clock,
        *,
        instance_id: str,
        pid: int,
        copies: Path | None = None,
    ) -> None:
        self._apps = apps
        self._build = build
        self._marks = marks
        self._clock = clock
        self._instance_id = instance_id
        self._pid = pid
        self._copies = copies
        self._stopping = Stopping()

    def deploy(self, order: Order) -> Record:
        """Finish or take back what was left, then carry out the order; give its record, which has ended.

        Asked again with the same id, after its process was killed, it goes on where it stood.

        Raises:
            BusyError: another deploy runs.
            NothingToDo: a rollback has come about by what was left, and was ended first.
            Unended: it has come as far as it can.
            DeployError: it did not begin; nothing has changed but what was finished or taken back before it.
        """
        journal = self._journal(order.app)
        journal.prepare()
        holder = Holder(deploy_id=order.deploy_id, app=order.app, what=order.kind, pid=self._pid)
        with locked(self._apps, holder), self._stopping:
            self._finish_what_was_left(order.deploy_id, Log(journal.log_path(order.deploy_id)).say)
            record = journal.read(order.deploy_id)
            if record is None:
                if self._stopping.is_asked:
                    raise DeployError(f"{ASKED} before it began", hint="nothing of it was done: deploy again")
                release = self._release(order, journal)
                # Only a deploy that begins needs room; one that goes on may be the one that used it up. Nothing is
                # written before its first step: what was refused until then is no deploy, which would be carried out.
                journal.set_aside()
                record = self._record(replace(order, release=release))
            elif record.end in ENDED:
                # Its process died when it had ended, perhaps before it told anybody.
                self._marks.ended(record)
                return record
            return self._run(order.app, record)

    def recover(self, say: Callable[[str], None] = _silent) -> list[Record]:
        """Finish or take back all that was left, of every application; give those records, which have ended.

        Args:
            say: is told what is done meanwhile.

        Raises:
            BusyError: a deploy runs: nothing was left.
            DeployError, AwsError: something could not be ended now, or a record not be read; all else was ended.
        """
        holder = Holder(deploy_id="", app="", what="recovery", pid=self._pid)
        with locked(self._apps, holder), self._stopping:
            return self._recovered(say)

    def _finish_what_was_left(self, deploy_id: str, say: Callable[[str], None]) -> None:
        for record in self._recovered(say, except_id=deploy_id):
            if record.end == End.STUCK:
                message = f"deploy {record.deploy_id} of {record.app} is stuck, so nothing else is deployed"
                raise DeployError(message, hint=f"`vawsum-agent deploy history --app {record.app}` says where and why")

    def _recovered(self, say: Callable[[str], None], *, except_id: str = "") -> list[Record]:
        """End what can be ended. What keeps one from that, such as a damaged record, keeps no other one drained."""
        ended: list[Record] = []
        problems: list[AgentError] = []
        for app in sorted(self._apps):
            journal = self._journal(app)
            journal.show_all()
            try:
                left = journal.unfinished()
            except DeployError as error:
                problems.append(error)
                continue
            for record in left:
                if record.deploy_id == except_id:
                    continue
                say(f"first, {record.deploy_id} of {app} has to be ended: it was cut off, or is stuck")
                try:
                    ended.append(self._run(app, record, say))
                except AgentError as error:
                    problems.append(error)
            problems += journal.damage()
        if problems:
            raise problems[0]
        return ended

    def _release(self, order: Order, journal: Journal) -> str:
        """Say which one it is. Where a rollback leads shows only now, when nothing is left that was cut off."""
        if order.kind != "rollback":
            return order.release
        current, records = self._apps[order.app].current_release(), journal.records()
        if order.release and order.release == current:
            how = "".join(f": deploy {each.deploy_id} of {each.release} is {each.end}" for each in records[-1:])
            raise NothingToDo(f"{order.app} serves {current}{how}, and that is the rollback")
        return rollback_target(records, current=current, wanted=order.release)

    def _record(self, order: Order) -> Record:
        return Record(
            deploy_id=order.deploy_id,
            app=order.app,
            kind=order.kind,
            release=order.release,
            previous=self._apps[order.app].current_release() or "",
            sha256=order.sha256,
            instance_id=self._instance_id,
            by=order.by,
            began_at=self._clock.now(),
        )

    def _run(self, app: str, record: Record, also: Callable[[str], None] = _silent) -> Record:
        journal = self._journal(app)
        record.app = app  # the folder says whose it is: it may have been renamed since
        log = Log(journal.log_path(record.deploy_id))

        def say(text: str) -> None:
            log.say(text)
            also(text)

        deeds = self._build(record, say)
        engine = Engine(journal, deeds.steps, say=say, redact=deeds.redact, stopping=self._stopping)
        _log.info("deploy_began", **_context(record))
        self._marks.began(record)
        engine.run(record)
        level = logging.INFO if record.end == End.DEPLOYED else logging.ERROR
        failure = record.failure
        _log.log(level, "deploy_ended", **_context(record), end=record.end, failure=failure.text if failure else "")
        self._marks.ended(record)
        return record

    def _journal(self, app: str) -> Journal:
        return Journal(self._apps[app], self._clock, copies=folder_of_copies(self._copies, app))


def _context(record: Record) -> dict[str, str]:
    return {
        "deploy_id": record.deploy_id,
        "app": record.app,
        "kind": record.kind,
        "release": record.release,
        "previous": record.previous,
    }


class Log:
    """What a deploy says, a line each, for whoever follows. Losing one is no reason to stop."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def say(self, text: str) -> None:
        """Say a line, whatever is in it. Never raises."""
        line = " ".join(text.splitlines())
        try:
            with self._path.open("a", encoding="utf-8", errors="replace") as file:
                file.write(f"{line}\n")
        except OSError:
            return
