"""The document that ``status --json`` prints, made of what the components say. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vawsum_agent.core.clock import rfc3339
from vawsum_agent.core.component import ComponentStatus, State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vawsum_agent.core.errors import AgentError
    from vawsum_agent.core.identity import Identity


OWN_NAME = "agent"


@dataclass(frozen=True, slots=True)
class Notice:
    """Something about the daemon itself that a person should know."""

    text: str
    hint: str

    def as_row(self) -> dict[str, object]:
        """As ``status --json`` shows it."""
        return {"text": self.text, "hint": self.hint}


def refusal(error: AgentError) -> Notice:
    """Say that a reload found a configuration that does not hold."""
    reasons = "; ".join(error.message.split("\n"))
    text = f"the configuration on disk is refused and the one before goes on: {reasons}"
    return Notice(text, "mend it: vawsum-agent check-config tells what is wrong; then reload")


def own_status(since: float, refused: AgentError | None) -> ComponentStatus:
    """How the daemon itself is, for those that tell others: it is no component, and none has its name."""
    if refused is None:
        return ComponentStatus(OWN_NAME, State.RUNNING, since)
    notice = refusal(refused)
    return ComponentStatus(OWN_NAME, State.DEGRADED, since, last_error=notice.text, hint=notice.hint)


@dataclass(frozen=True, slots=True)
class Facts:
    """What does not come from a component."""

    version: str
    identity: Identity
    pid: int
    started_at: float
    config_files: tuple[str, ...]


def document(
    facts: Facts, state: State, components: Sequence[ComponentStatus], notices: Sequence[Notice]
) -> dict[str, object]:
    """Put a status together; what a release of the agent showed once, later ones show too."""
    return {
        "version": facts.version,
        "state": state.value,
        "instance_id": facts.identity.instance_id,
        "hostname": facts.identity.hostname,
        "environment": facts.identity.environment,
        "role": facts.identity.role,
        "pid": facts.pid,
        "started_at": rfc3339(facts.started_at),
        "config_files": list(facts.config_files),
        "notices": [notice.as_row() for notice in notices],
        "components": [_row(component) for component in components],
    }


def _row(status: ComponentStatus) -> dict[str, object]:
    return {
        "name": status.name,
        "state": status.state.value,
        "since": rfc3339(status.since),
        "last_success_at": None if status.last_success_at is None else rfc3339(status.last_success_at),
        "backlog_count": status.backlog_count,
        "backlog_bytes": status.backlog_bytes,
        "last_error": status.last_error,
        "hint": status.hint,
        "details": dict(status.details),
    }


def status_line(status_document: dict[str, object]) -> str:
    """The same in one line, for ``systemctl status``."""
    rows = status_document["components"]
    states = [f"{row['name']} {row['state']}" for row in rows] if isinstance(rows, list) else []
    return ": ".join([str(status_document["state"]), ", ".join(states) or "no capability is configured"])
