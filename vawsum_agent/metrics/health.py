"""What is wrong with the metrics capability, from what its parts say. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from vawsum_agent.core.component import State
from vawsum_agent.core.units import format_bytes, format_duration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vawsum_agent.core.errors import AgentError
    from vawsum_agent.metrics.clock_jumps import Jump
    from vawsum_agent.metrics.publish.publisher import Progress
    from vawsum_agent.state.metric_spool import Waiting

_TOLERATED_S = 10.0
_NEARLY_FULL = 0.8


class Note(NamedTuple):
    """Something wrong, and what to do about it; one that degrades nothing is only told."""

    what: str
    hint: str
    is_trouble: bool = True


def notes(
    *,
    now: float,
    progress: Progress,
    source_errors: Mapping[str, AgentError],
    store_error: AgentError | None,
    placing: AgentError | None,
    waiting: Waiting,
    limit_bytes: int,
    jump: Jump | None,
) -> list[Note]:
    """Say what is wrong, what matters most first."""
    found = []
    if store_error is not None:
        found.append(Note(store_error.message, store_error.hint))
    if progress.error is not None and progress.failing_since is not None:
        failing_s = now - progress.failing_since
        # A clock that was set back makes the time since a failure negative; the failure is none the less there.
        if not 0 <= failing_s < _TOLERATED_S:
            found.append(Note(progress.error.message, progress.error.hint))
    if waiting.size_bytes > limit_bytes * _NEARLY_FULL:
        text = f"the spool holds {format_bytes(waiting.size_bytes)} of {format_bytes(limit_bytes)}"
        found.append(Note(text, "beyond that the oldest data are dropped; metrics.spool_limit may be raised"))
    found += [Note(error.message, error.hint) for _, error in sorted(source_errors.items())]
    if placing is not None:
        hint = "; ".join(part for part in (placing.hint, "or let instance metadata show the instance's tags") if part)
        found.append(Note(f"the Auto Scaling group is not known: {placing.message}", hint))
    if jump is not None:
        way = "ahead" if jump.by_s > 0 else "back"
        text = f"the clock was set {format_duration(abs(jump.by_s))} {way}"
        found.append(Note(text, "data stamped meanwhile wait until CloudWatch takes them; check NTP", is_trouble=False))
    return found


def state_of(found: list[Note], *, is_failed: bool) -> State:
    """Tell the state that the notes come to."""
    if is_failed:
        return State.FAILED
    return State.DEGRADED if any(note.is_trouble for note in found) else State.RUNNING
