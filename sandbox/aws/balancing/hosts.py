"""The instances there are: where each listens on this machine, and what each says of itself."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandbox.aws.account import INSTANCE_ID
from sandbox.aws.listener import Listener
from sandbox.aws.metadata import Metadata

if TYPE_CHECKING:
    from sandbox.aws.balancing.target_group import TargetKey

LIFECYCLE_PATH = "meta-data/autoscaling/target-lifecycle-state"


@dataclass(slots=True)
class Host:
    """An instance.

    Attributes:
        instance_id: its name.
        metadata: what it says of itself.
        metadata_url: where; empty for the instance that the sandbox begins with, whose endpoint is the sandbox's own.
        address: where on this machine it listens.
        port: the port there that stands for a group's own port; None: they are the same.
        is_running: whether it was not terminated.
    """

    instance_id: str
    metadata: Metadata
    metadata_url: str = ""
    address: str = "127.0.0.1"
    port: int | None = None
    is_running: bool = True


class Hosts:
    """All instances by id. Threads may call it at once."""

    def __init__(self, first: Metadata) -> None:
        self._lock = threading.Lock()
        self._hosts = {INSTANCE_ID: Host(INSTANCE_ID, first)}

    def add(self, instance_id: str, address: str, port: int | None) -> Host:
        """Add an instance with a metadata endpoint of its own, or say anew where one listens; it runs then."""
        with self._lock:
            host = self._hosts.get(instance_id)
            if host is None:
                metadata = Metadata(instance_id, f"10.0.0.{10 + len(self._hosts) % 240}")
                host = Host(instance_id, metadata, Listener(metadata.handle).url)
                self._hosts[instance_id] = host
            host.address, host.port, host.is_running = address, port, True
            return host

    def find(self, instance_id: str) -> Host | None:
        """Return an instance, if there is one of this id."""
        with self._lock:
            return self._hosts.get(instance_id)

    def get(self, instance_id: str) -> Host:
        """Return an instance.

        Raises:
            ValueError: there is none.
        """
        host = self.find(instance_id)
        if host is None:
            message = f"no instance {instance_id!r}; Sandbox.add_host makes one"
            raise ValueError(message)
        return host

    def is_running(self, instance_id: str) -> bool:
        """Whether there is such an instance, not terminated."""
        host = self.find(instance_id)
        return host is not None and host.is_running

    def ended(self, instance_id: str) -> None:
        """Note that an instance is terminated."""
        host = self.find(instance_id)
        if host is not None:
            host.is_running = False

    def set_lifecycle(self, instance_id: str, state: str | None) -> None:
        """Let an instance's metadata tell where Auto Scaling takes it; None: it is in no group."""
        host = self.find(instance_id)
        if host is not None:
            host.metadata.set(LIFECYCLE_PATH, state)

    def locate(self, key: TargetKey, group_port: int) -> tuple[str, int]:
        """Return where on this machine a target of a group listens.

        All hosts live behind one address, so a group's own port, at which Auto Scaling registers, stands for the
        port that the host was added with. Any other port is the real one.
        """
        host = self.get(key.instance_id)
        port = host.port if host.port is not None and key.port == group_port else key.port
        return host.address, port

    def rows(self) -> list[dict[str, Any]]:
        """Return all instances for the admin API."""
        with self._lock:
            return [
                {
                    "instance_id": host.instance_id,
                    "address": host.address,
                    "port": host.port,
                    "metadata": host.metadata_url,
                    "is_running": host.is_running,
                }
                for host in self._hosts.values()
            ]
