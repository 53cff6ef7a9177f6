"""Whether people are told about a component. Pure: memory and a look in, memory and perhaps a verdict out.

Invariants:

1. For one component ALERT and end (RECOVERY or REMOVAL) strictly alternate, beginning with ALERT; UPDATE comes only
   between an ALERT and its end.
2. An ALERT needs `FAILED_LOOKS` looks in a row that found the component failed, or `DEGRADED_S` of observed trouble.
   A look that finds it running in between begins anew; one that finds it starting counts neither way, so a component
   that the supervisor restarts again and again is still failing.
3. A RECOVERY needs `WELL_S` of running without interruption. Starting, draining and stopped are an interruption.
4. After an end no ALERT comes for `QUIET_S`; who is bad then, by rule 2, is told of at once.
5. An UPDATE tells what is news: a problem, or a state, that the last message did not name and that has been there at
   every look for `LASTING_S`. That one of several problems is over is none. It is told
   - when no message of this trouble has named the problem yet: once the last message is `FIRST_GAP_S` old, twice that
     after each UPDATE, `UPDATE_S` at most. So a second failure is not half an hour late, each is new only once, and
     however many come one by one, ALERT and UPDATEs for them are four in the first hour and two in each later one.
   - when it was named before and is back, or `failed` became `degraded`: once the last message is `UPDATE_S` old.
   - when `degraded` became `failed`, by rule 2, for the first time in this trouble: at once.
   Figures, times and ids in a text do not make it another problem.
6. Draining, stopped and starting are no trouble: not at a start, a stop or a reload.

Time is observed time, added up from look to look: what passed on the monotonic clock, at most `LONGEST_STEP_S` a
look. The wall clock, which may jump by hours, is told and never counted with. Across a restart of the daemon nothing
is counted, either; only how long a trouble lasted is told with what the wall clock says passed meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from msgspec.structs import replace

from vawsum_agent.alerts.memory import CALM, Memory, Told, Trouble
from vawsum_agent.alerts.news import FAILED_LOOKS, is_due, kinds_of, listed, seen, told_now
from vawsum_agent.core.component import State

if TYPE_CHECKING:
    from vawsum_agent.core.component import ComponentStatus

DEGRADED_S = 60.0
WELL_S = 60.0
QUIET_S = 300.0
LONGEST_STEP_S = 30.0

_BAD = frozenset({State.FAILED, State.DEGRADED})


class Kind(StrEnum):
    """What a verdict says."""

    ALERT = "alert"
    UPDATE = "update"
    RECOVERY = "recovery"
    REMOVAL = "removal"


@dataclass(frozen=True, slots=True)
class Look:
    """When a look was taken.

    Attributes:
        at: wall time.
        elapsed_s: since the look before, by the monotonic clock; None for the first one of a process.
    """

    at: float
    elapsed_s: float | None

    @property
    def step_s(self) -> float:
        """How much observed time this look adds."""
        return min(max(0.0, self.elapsed_s or 0.0), LONGEST_STEP_S)


@dataclass(frozen=True, slots=True)
class Verdict:
    """People are to be told.

    Attributes:
        trouble: what it is about; of an end, what is over.
        ended_at: wall time of an end; None while it lasts.
        news: of an UPDATE, the kinds that the message before did not name.
    """

    kind: Kind
    trouble: Trouble
    ended_at: float | None = None
    news: frozenset[str] = frozenset()


Decision: TypeAlias = tuple[Memory, Verdict | None]


def decide(memory: Memory, status: ComponentStatus | None, look: Look) -> Decision:
    """Take one look at a component.

    Args:
        memory: what the look before left; `CALM` at first.
        status: how it is now; None when no such component is configured any more.
        look: when that is.
    """
    memory = _aged(memory, look)
    if memory.told is None:
        return _while_untold(memory, status, look)
    return _while_told(memory, memory.told, status, look)


def _aged(memory: Memory, look: Look) -> Memory:
    """Let the observed time pass."""
    if memory == CALM:
        return memory
    step_s, trouble, told, quiet_s = look.step_s, memory.trouble, memory.told, memory.quiet_s
    if trouble is not None and memory.well_s is None:
        passed_s = max(0.0, look.at - memory.looked_at) if look.elapsed_s is None else step_s
        trouble = replace(trouble, lasted_s=trouble.lasted_s + passed_s)
    if told is not None:
        told = replace(told, silent_s=told.silent_s + step_s)
    if quiet_s is not None:
        quiet_s = quiet_s + step_s if quiet_s + step_s < QUIET_S else None
    return replace(memory, looked_at=look.at, trouble=trouble, told=told, quiet_s=quiet_s)


def _while_untold(memory: Memory, status: ComponentStatus | None, look: Look) -> Decision:
    if status is not None and status.state in _BAD:
        trouble = _worse(memory, status, look)
        memory = replace(memory, looked_at=look.at, trouble=trouble)
        is_enough = trouble.failed_looks >= FAILED_LOOKS or trouble.bad_s >= DEGRADED_S
        if not is_enough or memory.quiet_s is not None:
            return memory, None
        return replace(memory, told=told_now(trouble, kinds_of(status))), Verdict(Kind.ALERT, trouble)
    if status is None or status.state is State.RUNNING:
        memory = replace(memory, trouble=None)
    is_calm = memory.trouble is None and memory.quiet_s is None
    return (CALM if is_calm else memory), None


def _while_told(memory: Memory, told: Told, status: ComponentStatus | None, look: Look) -> Decision:
    trouble = memory.trouble
    assert trouble is not None  # noqa: S101 - see `Memory.told`
    if status is None:
        gone_s = _longer(memory.gone_s, look)
        if gone_s >= WELL_S:
            return _ended(look), Verdict(Kind.REMOVAL, trouble, look.at - gone_s)
        return replace(memory, well_s=None, gone_s=gone_s), None
    memory = replace(memory, gone_s=None)
    if status.state in _BAD:
        kinds = kinds_of(status)
        return _perhaps_update(memory, _worse(memory, status, look), seen(told, kinds, look.step_s), kinds)
    if status.state is not State.RUNNING:
        return replace(memory, well_s=None), None
    memory = replace(memory, told=replace(told, untold_s={}))
    well_s = _longer(memory.well_s, look)
    if well_s < WELL_S:
        return replace(memory, well_s=well_s), None
    return _ended(look), Verdict(Kind.RECOVERY, trouble, look.at - well_s)


def _ended(look: Look) -> Memory:
    return Memory(looked_at=look.at, quiet_s=0.0)


def _worse(memory: Memory, status: ComponentStatus, look: Look) -> Trouble:
    """Add a look that found it bad."""
    trouble = memory.trouble
    is_failed = status.state is State.FAILED
    problems, more = listed(status.all_problems(), memory.told)
    if trouble is None:
        return Trouble(look.at, status.state, problems, more, failed_looks=int(is_failed))
    return replace(
        trouble,
        state=status.state,
        problems=problems,
        more=more,
        bad_s=trouble.bad_s + look.step_s,
        # Running for a while in between is part of how long it lasted, when it did not last.
        lasted_s=trouble.lasted_s + (0.0 if memory.well_s is None else memory.well_s + look.step_s),
        failed_looks=trouble.failed_looks + 1 if is_failed else 0,
    )


def _perhaps_update(memory: Memory, trouble: Trouble, told: Told, kinds: tuple[str, ...]) -> Decision:
    memory = replace(memory, trouble=trouble, told=told, well_s=None)
    if not is_due(told, trouble):
        return memory, None
    news = frozenset(told.untold_s)
    return replace(memory, told=told_now(trouble, kinds, told)), Verdict(Kind.UPDATE, trouble, news=news)


def _longer(so_far_s: float | None, look: Look) -> float:
    """The first look of a kind begins the count, later ones add to it."""
    return 0.0 if so_far_s is None else so_far_s + look.step_s
