"""What is wrong with the deploys of an application, in sentences for people. Pure.

Nothing in them changes while it lasts: who is told of a problem is told of it once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vawsum_agent.core.clock import rfc3339
from vawsum_agent.core.component import Problem
from vawsum_agent.deploy.standing import Standing, step_of, stuck_at, touched_at

if TYPE_CHECKING:
    from vawsum_agent.config.model.deploy import DeployApp
    from vawsum_agent.core.errors import AgentError
    from vawsum_agent.deploy.record import Record

RUNBOOK = "docs/runbooks/rollback-failed.md"
LEFT_S = 120.0
"""A deploy whose process was killed is started once more within seconds, or by whoever follows it; after a boot, the
recovery waits for the network.
"""

_LONGEST_DELAY_S = 3600.0
_LONGEST_HOOK_S = 3600.0
_SLACK_S = 900.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What was seen of one application.

    Attributes:
        is_worked_on: a process is at what is unfinished.
        error: why nothing was seen; the rest is then of before.
    """

    app: DeployApp
    standing: Standing = field(default_factory=Standing)
    is_worked_on: bool = False
    error: AgentError | None = None

    @property
    def running(self) -> Record | None:
        """The deploy that is under way."""
        return self.standing.unfinished if self.is_worked_on else None

    @property
    def is_stuck(self) -> bool:
        """Whether a person has to look."""
        return self.standing.stuck is not None and self.standing.unfinished is None

    def is_left(self, now: float) -> bool:
        """Whether a deploy was cut off, and nobody has gone on with it."""
        record = self.standing.unfinished
        return record is not None and not self.is_worked_on and now - touched_at(record) > LEFT_S

    def is_slow(self, now: float) -> bool:
        """Whether the deploy that is under way is at one step for longer than any can take."""
        return self.running is not None and now - touched_at(self.running) > longest_step_s(self.app)


def longest_step_s(app: DeployApp) -> float:
    """How long a step may take at most, by what limits each: draining, a hook, reloading, waiting for health."""
    guard_s = app.guard.window if app.guard is not None else 0.0
    reloading_s = app.health_timeout * max(1, len(app.reload))
    return max(_LONGEST_DELAY_S + app.drain_timeout, _LONGEST_HOOK_S, reloading_s, guard_s) + _SLACK_S


def problems(look: Look, now: float) -> list[Problem]:
    """List what is wrong, the weightiest first."""
    found = []
    standing = look.standing
    if look.is_stuck and standing.stuck is not None:
        found.append(_stuck(standing.stuck))
    if look.is_left(now) and standing.unfinished is not None:
        found.append(_left(standing.unfinished))
    if look.is_slow(now) and look.running is not None:
        found.append(_slow(look.running))
    if look.error is not None:
        found.append(Problem(f"{look.app.name}: {look.error.message}", look.error.hint))
    return found


def _stuck(record: Record) -> Problem:
    failure, at = record.failure, stuck_at(record)
    why = "" if failure is None else f": {failure.step} {failure.phase}: {failure.text}"
    where = "" if at is None else f"; taking it back failed at {at.step}: {at.text}"
    what = f"{_name(record)} is STUCK, a person has to look{why}{where}"
    return Problem(what, f"see {RUNBOOK}; when that is mended: vawsum-agent deploy recover")


def _left(record: Record) -> Problem:
    line = step_of(record)
    where = "before its first step" if line is None else f"in its step {line.step}"
    what = f"{_name(record)} was cut off {where}, and nobody finishes it or takes it back"
    return Problem(what, "vawsum-agent deploy recover; why it did not run: journalctl -u vawsum-agent-deploy-recover")


def _slow(record: Record) -> Problem:
    line = step_of(record)
    where = "at its beginning" if line is None else f"at its step {line.step}"
    what = f"{_name(record)} is {where} since {rfc3339(touched_at(record))[:19]}Z, which is longer than that can take"
    return Problem(what, f"see what it waits for: vawsum-agent deploy history --app {record.app}")


_KINDS = {"start": "deploy", "rollback": "rollback", "converge": "convergence"}


def _name(record: Record) -> str:
    return f"the {_KINDS[record.kind]} of {record.app} {record.release}"
