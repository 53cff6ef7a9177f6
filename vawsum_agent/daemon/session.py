"""Opens the way to AWS for the daemon and for commands that work without it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from vawsum_agent.aws.session import connect
from vawsum_agent.core.errors import AwsError
from vawsum_agent.daemon.identity import configured_region

if TYPE_CHECKING:
    from collections.abc import Callable

    from vawsum_agent.aws.session import AwsSession
    from vawsum_agent.config.model import AgentConfig
    from vawsum_agent.daemon.identity import Host


class SharedSession:
    """One session for all components: its descriptions of services take megabytes, its credentials are renewed once."""

    def __init__(self, open_it: Callable[[], AwsSession]) -> None:
        self._open = open_it
        self._session: AwsSession | None = None
        self._lock = threading.Lock()

    def get(self) -> AwsSession:
        """Open it with the first call, and again with the next while that fails. Raises AwsError."""
        with self._lock:
            if self._session is None:
                self._session = self._open()
            return self._session


def open_session(agent: AgentConfig, host: Host, *, is_lasting: bool = True) -> AwsSession:
    """Take the region from the configuration or the environment, else from the instance. Raises AwsError.

    ``is_lasting`` is for the daemon and for jobs that make one client; see `AwsSession`.
    """
    try:
        return connect(configured_region(agent), is_lasting=is_lasting)
    except AwsError:
        region = host.region()
        if region is None:
            raise
        return connect(region, is_lasting=is_lasting)
