"""Where the daemon's files are, for the daemon and for the commands that look for them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vawsum_agent.config.model import AgentConfig


def control_socket(agent: AgentConfig) -> Path:
    """The control socket."""
    return Path(agent.runtime_dir) / "control.sock"


def state_file(agent: AgentConfig) -> Path:
    """The state store."""
    return Path(agent.state_dir) / "state.db"
