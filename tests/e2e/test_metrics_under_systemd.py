"""Metrics and notifications of the installed agent as a systemd service: what its confinement lets it see."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.agent_on_host import CONFIG, UNIT
from tests.e2e.web_server import paths

if TYPE_CHECKING:
    from sandbox.records import MetricDatum
    from tests.e2e.agent_on_host import AgentOnHost
    from tests.e2e.web_server import WebServer

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]  # the first one may have to build the host

TABLES = """
[metrics]
sample_interval = "1s"
dimensions = ["InstanceId"]

[notify]
sns_topic_arn = "arn:aws:sns:ap-south-1:123456789012:vawsum-ops"
"""


def drained(agent: AgentOnHost) -> list[MetricDatum]:
    """Flush what was sampled, and return what arrived."""
    agent.host.run("vawsum-agent drain")
    return agent.sandbox.metric_data(InstanceId="i-0e2e")


def values(rows: list[MetricDatum], name: str, **dimensions: str) -> list[float]:
    """Return the values of a metric."""
    found = [row for row in rows if row.name == name and dimensions.items() <= row.dimensions.items()]
    return [value for row in found for value in row.values]


def test_the_confined_daemon_sees_the_host(agent: AgentOnHost, web_server: WebServer) -> None:
    """Under its unit the daemon counts the host's processes, sockets and disks, and the requests of its logs."""
    agent.configure(CONFIG + TABLES)
    agent.host.run(f"systemctl restart {UNIT}")
    web_server.get(paths("measured", 50))
    agent.assert_everything_arrives(web_server)
    agent.host.wait_for(
        "all sources to answer",
        lambda: set(_metrics(agent)["details"]["sources"].values()) == {"ok"},
    )
    rows = drained(agent)
    running = int(agent.host.run("ps -e --no-headers | wc -l").stdout)
    assert 0.5 * running <= max(values(rows, "processes_total")) <= 2 * running
    assert max(values(rows, "procstat_lookup_pid_count", process_name="apache")) >= 1
    assert max(values(rows, "procstat_memory_rss", process_name="php-fpm")) > 1 << 20
    assert max(values(rows, "netstat_tcp_listen")) >= 1
    assert 0 < max(values(rows, "disk_used_percent", path="/")) <= 100
    assert values(rows, "vawsum_heartbeat") == [1.0]
    assert sum(values(rows, "http_requests")) == len(web_server.logged())
    assert agent.sandbox.violations() == []


def test_a_test_notification(agent: AgentOnHost) -> None:
    """`vawsum-agent notify test` on the host reaches the topic."""
    agent.configure(CONFIG + TABLES.replace("123456789012", topic_account(agent)))
    credentials = " ".join(
        f"{key}='{value}'" for key, value in agent.sandbox.environment().items() if key.startswith("AWS_")
    )
    # Not as root, whose home another test has filled with what the daemon must not read.
    agent.host.run(f"runuser -u vawsum-agent -- env {credentials} vawsum-agent notify test")
    assert len(agent.sandbox.notifications()) == 1


def topic_account(agent: AgentOnHost) -> str:
    """Return the account that the sandbox's topic is of."""
    topics: list[str] = agent.sandbox.settings()["topics"]
    return topics[0].split(":")[4]


def _metrics(agent: AgentOnHost) -> dict[str, dict[str, dict[str, str]]]:
    return next(part for part in agent.status()["components"] if part["name"] == "metrics")
