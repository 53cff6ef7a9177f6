"""How a deploy that has ended is told: for machines as a document, for people in a few lines, the result first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vawsum_agent.core.clock import rfc3339
from vawsum_agent.core.units import format_duration
from vawsum_agent.deploy.machine import End, Step
from vawsum_agent.deploy.standing import serving, stuck_at

if TYPE_CHECKING:
    from vawsum_agent.deploy.record import Record


def document(record: Record) -> dict[str, Any]:
    """All there is to tell of it."""
    failure = record.failure
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
        f"  current points to: {serving(record) or 'nothing'}",
        "  what to do: mend that, then `vawsum-agent deploy recover`; docs/runbooks/rollback-failed.md has the steps",
    ]


def out_of_service_s(record: Record) -> float | None:
    """For how long the host was not to be sent requests, in all; None where it never left."""
    total, since = 0.0, None
    for line in record.lines:
        if line.step in {Step.DRAIN, Step.DRAIN_AGAIN} and line.phase == "begun":
            since = line.at
        elif line.step in {Step.RETURN, Step.RETURN_BACK} and line.phase == "done" and since is not None:
            total, since = total + line.at - since, None
    return round(total, 3) if total else None


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
