"""Opens the way to AWS for the daemon and for commands that work without it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.aws.session import connect
from vawsum_agent.core.errors import AwsError
from vawsum_agent.daemon.identity import configured_region

if TYPE_CHECKING:
    from vawsum_agent.aws.session import AwsSession
    from vawsum_agent.config.model import AgentConfig
    from vawsum_agent.daemon.identity import Host


def open_session(agent: AgentConfig, host: Host) -> AwsSession:
    """Take the region from the configuration or the environment, else from the instance. Raises AwsError."""
    try:
        return connect(configured_region(agent))
    except AwsError:
        region = host.region()
        if region is None:
            raise
        return connect(region)
