"""Who this host is."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from vawsum_agent.config.model import AgentConfig
from vawsum_agent.daemon.identity import METADATA_BUDGET_S, Host, configured_region


class Metadata:
    """A metadata service that answers, or does not."""

    def __init__(self, instance_id: str | None, *, hangs: bool = False) -> None:
        self.answer = instance_id
        self.asked = 0
        self._hangs = hangs

    def instance_id(self) -> str | None:
        """Name the instance."""
        self.asked += 1
        if self._hangs:
            threading.Event().wait(30)
        return self.answer

    def region(self) -> str | None:
        """Name the region."""
        return "ap-south-1"


def test_the_configuration_decides() -> None:
    """A configured instance id is taken without asking anybody."""
    metadata = Metadata("i-2")
    assert Host(metadata).identity(AgentConfig(instance_id="i-1")).instance_id == "i-1"
    assert metadata.asked == 0


def test_metadata_then_hostname() -> None:
    """Without one the metadata service is asked; off EC2 the host name has to do."""
    assert Host(Metadata("i-2")).identity(AgentConfig()).instance_id == "i-2"
    assert Host(Metadata(None)).identity(AgentConfig()).instance_id == socket.gethostname()


def test_a_hanging_metadata_service_does_not_hold_up_the_start() -> None:
    """The start waits two seconds for the name, no more."""
    before = time.monotonic()
    assert Host(Metadata("i-2", hangs=True)).identity(AgentConfig()).instance_id == socket.gethostname()
    assert time.monotonic() - before < METADATA_BUDGET_S + 10


def test_the_name_stays_for_the_life_of_the_process() -> None:
    """A reload while the metadata service is away does not rename the log streams."""
    metadata = Metadata("i-2")
    host = Host(metadata)
    host.identity(AgentConfig())
    metadata.answer = None
    assert host.identity(AgentConfig()).instance_id == "i-2"


@pytest.mark.parametrize(
    ("found", "configured", "proven"), [("i-2", "", "i-2"), (None, "", None), ("i-2", "i-configured", None)]
)
def test_only_metadata_proves_which_instance_it_is(found: str | None, configured: str, proven: str | None) -> None:
    """A name that was configured and a host name may change on one host, and may be the same on two."""
    host = Host(Metadata(found))
    host.identity(AgentConfig(instance_id=configured))
    assert host.proven_id == proven


def test_region() -> None:
    """The configuration, then AWS_REGION; else the SDK's own chain and the metadata service."""
    assert configured_region(AgentConfig(region="eu-west-1"), {"AWS_REGION": "us-east-1"}) == "eu-west-1"
    assert configured_region(AgentConfig(), {"AWS_REGION": "us-east-1"}) == "us-east-1"
    assert configured_region(AgentConfig(), {}) is None
    assert Host(Metadata(None)).region() == "ap-south-1"
