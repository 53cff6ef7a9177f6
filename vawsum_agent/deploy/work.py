"""What a deploying process does under the lock: first what an earlier one left, then what was asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import structlog

from vawsum_agent.core.errors import DeployError
from vawsum_agent.deploy.engine import Engine
from vawsum_agent.deploy.journal import Journal
from vawsum_agent.deploy.lock import Holder, locked
from vawsum_agent.deploy.machine import End
from vawsum_agent.deploy.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from vawsum_agent.core.clock import Clock
    from vawsum_agent.deploy.layout import AppFolder
    from vawsum_agent.deploy.machine import Step
    from vawsum_agent.deploy.order import Order

_log = structlog.get_logger()


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
    ) -> None:
        self._apps = apps
        self._build = build
        self._marks = marks
        self._clock = clock
        self._instance_id = instance_id
        self._pid = pid

    def deploy(self, order: Order) -> Record:
        """Finish or take back what was left, then carry out the order; give its record, which has ended.

        Asked again with the same id, after its process was killed, it goes on where it stood.

        Raises:
            BusyError: another deploy runs.
            DeployError: it did not begin; nothing has changed but what was finished or taken back before it.
        """
        journal = self._journal(order.app)
        journal.prepare()
        holder = Holder(deploy_id=order.deploy_id, app=order.app, what=order.kind, pid=self._pid)
        with locked(self._apps, holder):
            self._finish_what_was_left(order.deploy_id)
            record = journal.read(order.deploy_id)
            if record is None:
                record = self._record(order)
                journal.write(record)
            return self._run(journal, record)

    def recover(self) -> list[Record]:
        """Finish or take back all that was left, of every application; give those records, which have ended.

        Raises:
            BusyError: a deploy runs: nothing was left.
            DeployError: a record can't be read, or the journal not be written.
        """
        with locked(self._apps, Holder(deploy_id="", app="", what="recovery", pid=self._pid)):
            return self._recovered(except_id="")

    def _finish_what_was_left(self, deploy_id: str) -> None:
        for record in self._recovered(except_id=deploy_id):
            if record.end == End.STUCK:
                message = f"deploy {record.deploy_id} of {record.app} is stuck, so nothing else is deployed"
                raise DeployError(message, hint=f"`vawsum-agent deploy history --app {record.app}` says where and why")

    def _recovered(self, *, except_id: str) -> list[Record]:
        return [
            self._run(journal, record)
            for journal in map(self._journal, sorted(self._apps))
            for record in journal.unfinished()
            if record.deploy_id != except_id
        ]

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

    def _run(self, journal: Journal, record: Record) -> Record:
        log = _Log(journal.log_path(record.deploy_id))
        deeds = self._build(record, log.say)
        engine = Engine(journal, deeds.steps, say=log.say, redact=deeds.redact)
        _log.info("deploy_began", **_context(record))
        self._marks.began(record)
        engine.run(record)
        tell = _log.info if record.end == End.DEPLOYED else _log.error
        failure = record.failure
        tell("deploy_ended", **_context(record), end=record.end, failure=failure.text if failure else "")
        self._marks.ended(record)
        return record

    def _journal(self, app: str) -> Journal:
        return Journal(self._apps[app], self._clock)


def _context(record: Record) -> dict[str, str]:
    return {
        "deploy_id": record.deploy_id,
        "app": record.app,
        "kind": record.kind,
        "release": record.release,
        "previous": record.previous,
    }


class _Log:
    """What a deploy says, a line each, for whoever follows. Losing one is no reason to stop."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def say(self, text: str) -> None:
        line = " ".join(text.splitlines())
        try:
            with self._path.open("a", encoding="utf-8", errors="replace") as file:
                file.write(f"{line}\n")
        except OSError:
            return
