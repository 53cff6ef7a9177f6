"""One botocore session a process, and how its clients are configured.

Retries are ours, never botocore's: a retry after an answer that got lost would send a batch twice.
"""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any

import botocore.session
from botocore.config import Config as ClientConfig
from botocore.exceptions import BotoCoreError

from vawsum_agent.core.errors import AwsError

if TYPE_CHECKING:
    from botocore.client import BaseClient
    from botocore.credentials import ReadOnlyCredentials

CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 15.0
CONNECTIONS = 64


class AwsSession:
    """Credentials, region and endpoints by the standard chain of every AWS SDK.

    Args:
        is_lasting: what botocore reads to make a client is let go, as a daemon wants it; a job that makes several
            clients and ends keeps it, and has each but the first in a fifth of the time.
    """

    def __init__(
        self,
        session: botocore.session.Session,
        region: str,
        making: threading.Lock | None = None,
        *,
        is_lasting: bool = True,
    ) -> None:
        self._session = session
        self._making = making or threading.Lock()
        self._is_lasting = is_lasting
        self.region = region

    def in_region(self, region: str) -> AwsSession:
        """Give the same credentials and settings for another region, such as that of a topic."""
        return AwsSession(self._session, region, self._making, is_lasting=self._is_lasting)

    def credentials(self) -> ReadOnlyCredentials | None:
        """Give those to sign with, renewed when they are about to end; None when the chain has none."""
        found = self._session.get_credentials()
        return found.get_frozen_credentials() if found else None

    def client(self, service: str, **options: Any) -> BaseClient:  # noqa: ANN401 - passed to botocore as they are
        """Make a client of a service. Raises AwsError when the session's configuration can't be used."""
        config = ClientConfig(
            connect_timeout=CONNECT_TIMEOUT_S,
            read_timeout=READ_TIMEOUT_S,
            max_pool_connections=CONNECTIONS,
            retries={"total_max_attempts": 1, "mode": "standard"},
            tcp_keepalive=True,
            user_agent_extra="vawsum-agent",
            disable_request_compression=True,
        ).merge(ClientConfig(**options))
        try:
            # botocore's session makes its parts when they are first needed, which two threads must not do at once.
            with self._making:
                client = self._session.create_client(service, region_name=self.region, config=config)
                if self._is_lasting:
                    _forget_descriptions(self._session)
                return client
        except (BotoCoreError, ValueError) as exc:
            message = f"can't make a client of {service}: {exc}"
            raise AwsError(message, code=type(exc).__name__, hint="check AWS_* variables and ~/.aws") from exc


def _forget_descriptions(session: botocore.session.Session) -> None:
    """Let go of what botocore read to make a client and keeps for the next: some 4 MB, read again when it is needed.

    These are no public names of botocore. Where they change, the memory stays; a test notices.
    """
    with contextlib.suppress(AttributeError):
        session._register_endpoint_resolver()  # noqa: SLF001
        session.get_component("data_loader")._cache.clear()  # noqa: SLF001


def connect(region: str | None, *, is_lasting: bool = True) -> AwsSession:
    """Open the session.

    Args:
        region: None asks the standard chain.
        is_lasting: see `AwsSession`.

    Raises:
        AwsError: no region is known. Trying again does not help.
    """
    session = botocore.session.get_session()
    found = region or session.get_config_variable("region")
    if not found:
        message = "no AWS region is known"
        raise AwsError(message, hint='set agent.region = "…" or AWS_REGION')
    return AwsSession(session, found, is_lasting=is_lasting)
