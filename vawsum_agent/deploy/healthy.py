"""Which releases served healthy on this host, and which of them a rollback goes to. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.core.errors import DeployError
from vawsum_agent.deploy.record import WAS_HEALTHY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vawsum_agent.deploy.record import Record


def served_healthy(records: Sequence[Record]) -> list[str]:
    """Name the releases that came into service and stayed, the one deployed last first, each once.

    One that was here before the agent came, and was well when it was replaced, counts as well.
    """
    releases: list[str] = []
    for record in sorted(records, key=lambda each: each.deploy_id):
        was_healthy = record.recall(WAS_HEALTHY, bool)
        if record.previous and was_healthy:
            releases.append(record.previous)
        if record.has_served:
            releases.append(record.release)
    return list(dict.fromkeys(reversed(releases)))


def undoing(left: Record, records: Sequence[Record]) -> str:
    """Say where a rollback leads that finds this deploy cut off; empty where only its end will tell.

    Back to where that deploy came from, and no further: it is to be undone. A rollback that was cut off is asked for
    once more.

    Args:
        left: what was cut off.
        records: of the application on this host.
    """
    target = left.release if left.kind == "rollback" else left.previous
    return target if target in served_healthy(records) else ""


def rollback_target(records: Sequence[Record], *, current: str | None, wanted: str = "") -> str:
    """Say which release to go back to.

    Without a wish it is the newest healthy one that is older than what is served: asked twice, it goes back twice, and
    does not come back to what was just left.

    Args:
        records: of the application on this host.
        current: what is served; None for nothing.
        wanted: a release; empty for the last healthy one.

    Raises:
        DeployError: there is none, or this one never served healthy here.
    """
    healthy = served_healthy(records)
    shown = ", ".join(sorted(healthy, reverse=True)[:5]) or "none"
    if wanted:
        if wanted == current:
            raise DeployError(f"{wanted} is what is served already", hint=f"served healthy here: {shown}")
        if wanted not in healthy:
            hint = f"served healthy here: {shown}; any other is deployed by `vawsum-agent deploy start`"
            raise DeployError(f"{wanted} never served healthy on this host", hint=hint)
        return wanted
    older = [release for release in healthy if current is None or release < current]
    if not older:
        hint = f"served healthy here: {shown}; name one with --to, or deploy another"
        raise DeployError("no older release served healthy on this host", hint=hint)
    return max(older)
