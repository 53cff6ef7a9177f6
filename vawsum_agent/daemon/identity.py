"""Finds out who this host is, without ever holding up the start for long."""

from __future__ import annotations

import os
import queue
import socket
import threading
from typing import TYPE_CHECKING, Protocol

import structlog

from vawsum_agent.core.identity import Identity

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from vawsum_agent.config.model import AgentConfig

_log = structlog.get_logger()

METADATA_BUDGET_S = 2.0
_METADATA = "instance_metadata"


class Metadata(Protocol):
    """What is asked of the instance metadata service."""

    def instance_id(self) -> str | None:
        """Name this instance; None where there is no such service."""
        ...

    def region(self) -> str | None:
        """Name the region it runs in."""
        ...


class Host:
    """This host. An instance id once found stays for the life of the process: a reload must not rename log streams."""

    def __init__(self, metadata: Metadata) -> None:
        self._metadata = metadata
        self._found: tuple[str, str] | None = None

    @property
    def proven_id(self) -> str | None:
        """The id that instance metadata gave; None where it was not asked, or did not answer."""
        return self._found[0] if self._found is not None and self._found[1] == _METADATA else None

    def identity(self, agent: AgentConfig) -> Identity:
        """Take the instance id from the configuration, else from the metadata service, else from the host name."""
        hostname = socket.gethostname()
        if agent.instance_id:
            instance_id, found_in = agent.instance_id, "configuration"
        else:
            self._found = self._found or self._find(hostname)
            instance_id, found_in = self._found
        _log.info("identity_resolved", instance_id=instance_id, found_in=found_in)
        return Identity(instance_id, hostname, agent.environment, agent.role)

    def _find(self, hostname: str) -> tuple[str, str]:
        instance_id = within(METADATA_BUDGET_S, self._metadata.instance_id)
        return (instance_id, _METADATA) if instance_id else (hostname, "hostname")

    def region(self) -> str | None:
        """The region this host is in, as the metadata service knows it."""
        return within(METADATA_BUDGET_S, self._metadata.region)


def configured_region(agent: AgentConfig, environ: Mapping[str, str] = os.environ) -> str | None:
    """The region that was set by hand, if any; AWS_REGION is every SDK's name for it but botocore's."""
    return agent.region or environ.get("AWS_REGION") or None


def within(budget_s: float, question: Callable[[], str | None]) -> str | None:
    """Ask on a thread of its own; None when no answer comes in time."""
    answers: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    threading.Thread(target=lambda: answers.put(question()), name="question", daemon=True).start()
    try:
        return answers.get(timeout=budget_s)
    except queue.Empty:
        return None
