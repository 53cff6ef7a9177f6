"""A few lines on backups: the last one, the last drill, what runs, what comes next, what a loss would cost. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.text import Text

from vawsum_agent.cli.layout import wrapped
from vawsum_agent.core.text import printable
from vawsum_agent.core.units import format_bytes, format_duration

if TYPE_CHECKING:
    from collections.abc import Iterator

_LABELS = 12
_MARGIN = " " * _LABELS
_UNKNOWN = "not known yet"

Document = dict[str, Any]


def backups(document: Document, now: float, width: int | None) -> list[Text]:
    """Lay out what all components tell of backups."""
    lines: list[Text] = []
    for component in document["components"]:
        details = component["details"]
        if "last_backup" in details:
            is_stopped = component["state"] == "stopped"
            lines += _block(list(_rows(details, now, is_stopped=is_stopped)), printable(details["server"]), width)
    return lines


def _block(rows: list[tuple[str, str]], server: str, width: int | None) -> list[Text]:
    lines = [Text(f"{'BACKUPS':<{_LABELS}}{server}".rstrip(), style="bold")]
    for label, told in rows:
        lines += [Text(line) for line in wrapped(told, width, first=f"{label:<{_LABELS}}", rest=_MARGIN)]
    return lines


def _rows(details: Document, now: float, *, is_stopped: bool) -> Iterator[tuple[str, str]]:
    running = details["running"]
    if running is not None and not is_stopped:
        yield "running", _running(running, now)
    yield "last backup", _last_backup(details["last_backup"], now) if details["is_known"] else _UNKNOWN
    yield "last drill", _last_drill(details["last_drill"], now)
    yield "next", _next(details, now)
    yield "a loss now", _loss(details)


def _running(running: Document, now: float) -> str:
    for_s = max(1.0, now - _epoch_s(running["started_at"]))
    what = printable(running["kind"]) + (f", {printable(running['phase'])}" if running["phase"] else "")
    done, total = running["done_bytes"], running["total_bytes"]
    if total:
        share = min(1.0, done / total)
        what += f", {share:.0%} of {format_bytes(total)}"
        if 0 < share < 1:
            what += f", about {format_duration(max(1.0, for_s * (1 - share) / share))} left"
    elif done:
        what += f", {format_bytes(done)}"
    return f"{what}, for {format_duration(for_s)}"


def _last_backup(last: Document | None, now: float) -> str:
    if last is None:
        return "none"
    proof = "read back whole" if last["is_verified"] else "not read back yet"
    size = f"{format_bytes(last['size_bytes'])} ({format_bytes(last['raw_bytes'])} of SQL)"
    took = format_duration(round(last["duration_s"], 1))
    flags = "".join(f", odd: {printable(flag)}" for flag in last["flags"])
    return f"{_ago(last['finished_at'], now)}, {printable(last['backup_id'])}, {size}, in {took}, {proof}{flags}"


def _last_drill(last: Document | None, now: float) -> str:
    if last is None:
        return "never: whether a backup restores is not proven"
    took = format_duration(round(last["restore_s"], 1))
    return f"{_ago(last['at'], now)}, {printable(last['backup_id'])}, restored in {took}"


def _next(details: Document, now: float) -> str:
    told = []
    if details["next_try_at"] is not None:
        told.append(f"another try {_in(details['next_try_at'], now)}")
    if details["next_slot"] is not None:
        told.append(f"backup {_in(details['next_slot'], now)}")
    drill = details["next_drill_slot"]
    told.append("no drill is scheduled" if drill is None else f"drill {_in(drill, now)}")
    return ", ".join(told)


def _loss(details: Document) -> str:
    """Tell what would be lost (RPO) and how long it would take to be back (RTO), as far as that was measured."""
    if not details["is_known"]:
        return _UNKNOWN
    lost = "everything" if details["rpo_s"] is None else f"the last {format_duration(max(1.0, details['rpo_s']))}"
    if details["rto_s"] is None:
        return f"would lose {lost} (RPO), and nobody knows how long a restore takes (RTO)"
    return f"would lose {lost} (RPO), and take {format_duration(round(details['rto_s'], 1))} to restore (RTO)"


def _in(moment: str, now: float) -> str:
    left_s = _epoch_s(moment) - now
    return f"in {format_duration(left_s)}" if left_s >= 1 else "now"


def _ago(moment: str, now: float) -> str:
    passed_s = now - _epoch_s(moment)
    return f"{format_duration(passed_s)} ago" if passed_s >= 1 else "just now"


def _epoch_s(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()
