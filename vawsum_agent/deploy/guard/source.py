"""What the guard asks for traffic, and how old an answer may be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from vawsum_agent.core.traffic import Counted

LOST_S = 30.0
"""Counts that are so far behind, beyond what the daemon calls its usual delay, tell nothing of now."""

NOT_COUNTED = "the daemon counts no requests"
NOT_COUNTED_HINT = (
    'it takes [logs] with a [[logs.source]] of format = "apache-access" whose files are there, and [deploy.app.guard];'
    " then: systemctl reload vawsum-agent"
)


class TrafficSource(Protocol):
    """Counts this host's requests."""

    def ask(self, from_at: float, until_at: float) -> Counted:
        """Ask for the requests of a while, in seconds since the epoch.

        Raises:
            AgentError: no answer, or none that makes sense; asking again may help.
        """
        ...


def blindness(counted: Counted, now: float) -> str:
    """Say why an answer tells nothing of now; empty when it does."""
    if counted.counted_until is None:
        return f"{NOT_COUNTED} ({NOT_COUNTED_HINT})"
    behind_s = now - counted.counted_until
    if behind_s > LOST_S + counted.delay_s:
        return f"the daemon is {behind_s:.0f}s behind in the access logs (see: vawsum-agent status)"
    return ""
