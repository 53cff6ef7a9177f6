"""All that the steps of one deploy work with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vawsum_agent.deploy.healthy import served_healthy

if TYPE_CHECKING:
    from collections.abc import Callable

    from vawsum_agent.config.model.deploy import DeployApp
    from vawsum_agent.core.clock import Clock
    from vawsum_agent.deploy.fetch.artifacts import Artifacts
    from vawsum_agent.deploy.guard.source import TrafficSource
    from vawsum_agent.deploy.layout import AppFolder
    from vawsum_agent.deploy.record import Record
    from vawsum_agent.deploy.redact import Redactor
    from vawsum_agent.deploy.secrets.source import SecretSource
    from vawsum_agent.deploy.service.host import Host
    from vawsum_agent.deploy.service.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class Here:
    """One deploy, and where it happens.

    Attributes:
        record: whose `remembered` the steps fill; who runs them makes it durable.
        artifacts: where releases are published.
        secrets: where their secrets are; None without any.
        host: this host, as target groups know it.
        traffic: what the daemon counted.
        records: all deploys of the application on this host, the oldest first.
        say: takes a line for whoever follows.
        redactor: is told every secret that is met.
    """

    record: Record
    app: DeployApp
    folder: AppFolder
    artifacts: Artifacts
    secrets: SecretSource | None
    services: Services
    host: Host
    traffic: TrafficSource
    records: Callable[[], list[Record]]
    clock: Clock
    sleep: Callable[[float], None]
    say: Callable[[str], None]
    redactor: Redactor

    def healthy(self) -> list[str]:
        """The releases that served healthy here, the latest first."""
        return served_healthy(self.records())

    @property
    def release(self) -> str:
        """Which is deployed."""
        return self.record.release
