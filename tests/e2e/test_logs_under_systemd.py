"""Logs of real servers, shipped by the installed agent as a systemd service."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.counts import count
from tests.e2e.agent_on_host import FPM, UNIT
from tests.e2e.web_server import paths

if TYPE_CHECKING:
    from tests.e2e.agent_on_host import AgentOnHost
    from tests.e2e.web_server import WebServer

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]  # the first one may have to build the host


def test_lines_arrive(agent: AgentOnHost, web_server: WebServer) -> None:
    """Installed from its wheel and started by systemd, the agent ships each of Apache's lines, once and verbatim."""
    web_server.get(paths("arrive", count(300, 20_000)))
    agent.assert_everything_arrives(web_server)


def test_logs_only_root_may_read_arrive(agent: AgentOnHost) -> None:
    """PHP-FPM's log, which is 0600 root, arrives: the unprivileged daemon may read it."""
    assert agent.host.run("stat --format=%U%a /var/log/php8.2-fpm.log").stdout.strip() == "root600"
    agent.host.wait_for("PHP-FPM's log at CloudWatch", lambda: agent.sandbox.count(FPM) > 0)
    assert agent.arrived(FPM) == agent.host.read("/var/log/php8.2-fpm.log").splitlines()


def test_status_tells_the_truth(agent: AgentOnHost, web_server: WebServer) -> None:
    """`status` on the host shows the running daemon, and a ledger that adds up to what was written."""
    web_server.get(paths("status", 100))
    agent.assert_everything_arrives(web_server)
    status = agent.status()
    assert status["state"] == "running"
    assert str(status["pid"]) == agent.show("MainPID")
    access = [file for file in agent.ledger() if file["source"] == "apache-access"]
    assert sum(file["accepted_bytes"] for file in access) == sum(len(line) + 1 for line in web_server.logged())
    assert all(
        file["read_bytes"] == file["accepted_bytes"] + file["dropped_bytes"] + file["pending_bytes"] for file in access
    )


def test_rotation_and_kill(agent: AgentOnHost, web_server: WebServer) -> None:
    """When the daemon is killed and logrotate rotates, then systemd starts it again and every line arrives once."""
    for turn in range(count(2, 50)):
        web_server.get(paths(f"before-{turn}", 100))
        agent.host.run(f"systemctl kill --signal=KILL {UNIT}")
        web_server.get(paths(f"while-away-{turn}", 100))
        web_server.rotate()
        web_server.get(paths(f"after-{turn}", 100))
        agent.host.wait_for("systemd to start the agent again", lambda: agent.host.is_active(UNIT))
    agent.assert_everything_arrives(web_server)
    assert int(agent.show("NRestarts")) >= 1
