"""What is wrong with backups, in sentences for people. Pure.

Times in them are of the configured zone, and change nothing: who is told of a problem is told of it once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from vawsum_agent.backup.schedule import last_slot, next_slot
from vawsum_agent.core.component import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vawsum_agent.backup.journal import Outcome
    from vawsum_agent.backup.newest import Newest
    from vawsum_agent.backup.publish.catalog import Damage
    from vawsum_agent.core.errors import AgentError

SLACK_S = 7200.0
"""A night's backup may be so much later than that of the night before."""

_HOUR_S = 3600.0
_DAY_S = 86_400.0
_ABOUT_A_DAY = (0.9 * _DAY_S, 1.1 * _DAY_S)


@dataclass(frozen=True, slots=True)
class Look:
    """All that is judged.

    Attributes:
        newest: backup that exists; None where there is none.
        damaged: those after it.
        is_known: whether S3 said so, or the journal did.
        oldest_s: a newest backup may be so old.
        since: from when the schedule counts; None while that is not known.
        failed: how the last backup of the schedule failed; None where it did not, or is not to be told of.
        drill: how the last drill failed; None likewise.
        error: why S3 does not answer; None while it does.
        server: the name of the data.
    """

    newest: Newest | None
    is_known: bool
    oldest_s: float
    since: float | None
    failed: Outcome | None
    drill: Outcome | None
    error: AgentError | None
    server: str
    timezone: str
    damaged: tuple[Damage, ...] = ()


def oldest_s(schedule: str, timezone: str, now: float) -> float:
    """Tell how old the newest backup may be: 26 hours where there is one a day, else what lies between two and 2 hours.

    While that of the last slot may still be on its way, what lies before that slot counts, if it is more.

    Args:
        schedule: of backups.
        timezone: of the schedule.
        now: seconds since the epoch.
    """
    last, coming = last_slot(schedule, timezone, now), next_slot(schedule, timezone, now)
    if last is None or coming is None:
        return _DAY_S + SLACK_S
    before = last_slot(schedule, timezone, last - 1.0) if now <= last + SLACK_S else None
    return max(_allowed_s(coming - last), 0.0 if before is None else _allowed_s(last - before))


def _allowed_s(interval_s: float) -> float:
    is_daily = _ABOUT_A_DAY[0] <= interval_s <= _ABOUT_A_DAY[1]  # 23 and 25 hours where the clock changes
    return (_DAY_S if is_daily else interval_s) + SLACK_S


def problems(look: Look, now: float) -> list[Problem]:
    """List what is wrong, the weightiest first."""
    found = [*_of_age(look, now)]
    # Of one that was found damaged when it was made, the failed run tells.
    told = look.failed.backup_id if look.failed is not None else ""
    found += [_damaged(each) for each in look.damaged if each.name.backup_id != told]
    if look.failed is not None:
        found.append(_failure(look.failed, "backup", look.timezone))
    if look.drill is not None:
        found.append(_failure(look.drill, "drill", look.timezone))
    elif look.newest is not None and look.newest.drill_problems:
        found.append(_unproven(look.newest))
    if look.newest is not None:
        found += [_flagged(look.newest, flag) for flag in look.newest.flags]
    if look.error is not None:
        what = f"the backups in S3 can't be looked at: {look.error.message}"
        found.append(Problem(what, look.error.hint))
    return found


def _of_age(look: Look, now: float) -> Sequence[Problem]:
    if not look.is_known:
        return ()
    if look.newest is not None:
        age_s = now - look.newest.finished_at
        # In hours, whatever the age: of "1d" and "1d 1h" people would be told twice.
        age = f"{max(0.0, age_s) / _HOUR_S:.0f} h"
        what = f"no backup of {look.server} for {age}: the newest is {look.newest.backup_id}"
    elif look.since is not None:
        age_s = now - look.since
        what = f"there is no backup of {look.server} at all"
    else:
        return ()
    if age_s <= look.oldest_s:
        return ()
    hint = "make one now: vawsum-agent backup run; it says what keeps it from that"
    return (Problem(what, hint),)


def _failure(outcome: Outcome, what: str, timezone: str) -> Problem:
    at = outcome.started_at if outcome.slot is None else outcome.slot
    text = f"the {what} of {_local(at, timezone)} failed: {outcome.error or 'it did not say why'}"
    command = "vawsum-agent backup run" if what == "backup" else "vawsum-agent backup drill"
    return Problem(text, outcome.hint or f"see what it says by hand: {command}")


def _damaged(damage: Damage) -> Problem:
    what = f"backup {damage.name.backup_id} is damaged, and counts as none: {damage.problems[0]}"
    return Problem(what, "who wrote to the bucket? Another one is made at once, or by hand: vawsum-agent backup run")


def _unproven(newest: Newest) -> Problem:
    """Tell of a drill that another host has held: nobody there may be told of it."""
    more = f" and {len(newest.drill_problems) - 1} more" if len(newest.drill_problems) > 1 else ""
    what = f"backup {newest.backup_id} did not restore as it was: {newest.drill_problems[0]}{more}"
    return Problem(what, "look into it: vawsum-agent backup drill --keep; then make another one and drill that")


def _flagged(newest: Newest, flag: str) -> Problem:
    hint = "if that is as it should be, the next backups will be compared with it: vawsum-agent backup list"
    return Problem(f"backup {newest.backup_id} is odd: {flag}", hint)


def _local(at: float, timezone: str) -> str:
    return datetime.fromtimestamp(at, ZoneInfo(timezone)).strftime("%Y-%m-%d %H:%M")
