"""``[agent]`` as frozen values."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from vawsum_agent.config.model.values import AbsolutePath, NonEmpty, Seconds
from vawsum_agent.config.rules import REGION, between


class AgentConfig(msgspec.Struct, frozen=True, kw_only=True):
    """``[agent]``: who this host is and where the daemon keeps its things."""

    role: Annotated[Literal["web", "db"], Meta(description="a dimension and a placeholder, no switch")] = "web"
    environment: Annotated[NonEmpty, Meta(description="a placeholder")] = "production"
    state_dir: Annotated[AbsolutePath, Meta(description="`state.db` lives here")] = "/var/lib/vawsum-agent"
    runtime_dir: Annotated[AbsolutePath, Meta(description="`control.sock` lives here")] = "/run/vawsum-agent"
    instance_id: Annotated[str, Meta(description="empty: instance metadata (IMDSv2), else the host name")] = ""
    region: Annotated[str, REGION, Meta(description="empty: `AWS_REGION`, else instance metadata")] = ""
    drain_timeout: Annotated[
        Seconds,
        between(1, 900, "1s to 15m"),
        Meta(description="how long a stop (SIGTERM) may flush; what is unsent then stays on disk for the next start"),
    ] = Seconds(20.0)
