"""How a deploy that has ended is told: for machines as a document, for people in a few lines, the result first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from vawsum_agent.core.clock import rfc3339
from vawsum_agent.core.units import format_duration
from vawsum_agent.deploy.machine import End, Step
from vawsum_agent.deploy.record import PLACE, RESTORED
from vawsum_agent.deploy.service.outage import Restored
from vawsum_agent.deploy.standing import serving, stuck_at, why_not_deployed

if TYPE_CHECKING:
    from vawsum_agent.deploy.record import Record


class _Place(msgspec.Struct, frozen=True):
    """Of `vawsum_agent.deploy.service.places.Place`, which would bring half of AWS along, what is needed here."""

    way: str


_LEAVING = frozenset({Step.DRAIN, Step.DRAIN_AGAIN})
_RETURNING = frozenset({Step.RETURN, Step.RETURN_BACK})


def document(record: Record) -> dict[str, Any]:
    """All there is to tell of it."""
    failure = why_not_deployed(record)
    return {
        "deploy_id": record.deploy_id,
        "app": record.app,
        "kind": record.kind,
        "release": record.release,
        "previous": record.previous or None,
        "result": record.end or "unfinished",
        "serving": serving(record),
        "failed_step": failure.step if failure is not None else None,
        "error": failure.text if failure is not None else None,
        "guard": _text_of(record, Step.GUARD),
        "began_at": rfc3339(record.began_at),
        "ended_at": None if record.ended_at is None else rfc3339(record.ended_at),
        "duration_s": _took_s(record),
        "out_of_service_s": out_of_service_s(record),
        "by": record.by,
        "steps": [
            {"step": line.step, "phase": line.phase, "at": rfc3339(line.at), "text": line.text or None}
            for line in record.lines
        ],
    }


def lines(record: Record) -> list[str]:
    """What a person, or the first lines of SSM's output, has to tell."""
    took_s = _took_s(record)
    took = "" if took_s is None else f" in {format_duration(round(took_s, 1))}"
    failure = record.failure
    label = "but" if record.end == End.DEPLOYED else "why"
    why = [] if failure is None else [f"  {label}: {failure.step} {failure.phase}: {failure.text}"]
    out_s = out_of_service_s(record)
    out = [] if not out_s else [f"  out of service: {format_duration(round(out_s, 1))}"]
    out += [f"  {text}" for text in _of_its_place(record)]
    guard = _text_of(record, Step.GUARD)
    guarded = [] if guard is None else [f"  guard: {guard}"]
    what = f"{record.app} {record.release}"
    if record.end == End.DEPLOYED:
        return [f"deployed: {what}{took}", f"  before it: {record.previous or 'nothing'}", *out, *guarded, *why]
    if record.end == End.TAKEN_BACK:
        before = serving(record) or "what was there before"
        return [f"TAKEN BACK: {what}{took}; {before} is served as before", *why, *out]
    stuck = stuck_at(record)
    return [
        f"STUCK: {what} failed, and so did taking it back: a person has to look",
        *why,
        *([f"  stuck at: {stuck.step}: {stuck.text}"] if stuck is not None else []),
        f"  current points to: {serving(record) or 'no release, as far as is known: `readlink current` tells'}",
        "  what to do: mend that, then `vawsum-agent deploy recover`; docs/runbooks/rollback-failed.md has the steps",
    ]


def out_of_service_s(record: Record) -> float | None:
    """For how long the host was not to be sent requests, in all; None where it never left.

    It leaves with the first drain that is begun, however often that is tried, and is back when a return is done. A
    drain that was refused is no outage: the only return after it found this host in its place.
    """
    place, restored = record.recall(PLACE, _Place), record.recall(RESTORED, Restored)
    if place is None or place.way == "none":
        return None
    outages_s: list[float] = []
    since, has_left = None, False
    for line in record.lines:
        if line.step in _LEAVING:
            since = line.at if since is None else since
            has_left = has_left or line.phase == "done"
        elif line.step in _RETURNING and line.phase == "done" and since is not None:
            if has_left or restored is None or restored.was_away:
                outages_s.append(max(0.0, line.at - since))
            since, has_left = None, False
        elif line.step in _RETURNING and line.phase != "begun":
            has_left = True  # what was not finished may have brought it back all the same
    return round(sum(outages_s), 3) if outages_s else None


def _took_s(record: Record) -> float | None:
    """For how long it was under way; a clock that was set back meanwhile makes that nothing."""
    return None if record.ended_at is None else round(max(0.0, record.ended_at - record.began_at), 3)


def _of_its_place(record: Record) -> list[str]:
    """What is out of the ordinary about where the host stands: it was not drained, or is being terminated."""
    recorded, back = _text_of(record, Step.RECORD), _text_of(record, Step.RETURN) or _text_of(record, Step.RETURN_BACK)
    return [text for text in (recorded, back) if text and ("NOT DRAINED" in text or "terminated" in text)]


def _text_of(record: Record, step: Step) -> str | None:
    texts = [line.text for line in record.lines if line.step == step and line.phase in {"done", "failed"}]
    return texts[-1] if texts else None
