"""The installed agent as a service of its host: boots, shutdowns, power cuts, reloads, hangs, refusals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.counts import count
from tests.e2e.agent_on_host import ACCESS, CONFIG, CONFIGURATION, UNIT
from tests.e2e.web_server import paths

if TYPE_CHECKING:
    from tests.e2e.agent_on_host import AgentOnHost
    from tests.e2e.web_server import WebServer

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]  # the first one may have to build the host
MORE = """
[[logs.source]]
name = "reloaded"
paths = ["/var/log/reloaded.log"]
format = "plain"
log_group = "/vawsum/test/reloaded"
"""


def test_power_cut(agent: AgentOnHost, web_server: WebServer) -> None:
    """When the host goes down without a word, then the agent comes up with it and goes on at the exact line."""
    agent.host.run(f"systemctl enable --quiet {UNIT}")
    for turn in range(count(1, 20)):
        web_server.get(paths(f"cut-{turn}", 200))
        agent.host.reboot(power_cut=True)
        agent.host.wait_for("Apache after the boot", lambda: agent.host.is_active("apache2"))
        web_server.get(paths(f"booted-{turn}", 50))
        agent.host.wait_for("the agent after the boot", lambda: agent.host.is_active(UNIT))
    agent.assert_everything_arrives(web_server)


def test_last_lines_before_shutdown(agent: AgentOnHost, web_server: WebServer) -> None:
    """When the host is shut down in order, then the agent outlives the web server and ships its last lines first."""
    agent.stop()
    # Nothing is due before the shutdown, and nobody goes on with it after the boot: only the drain can have shipped it.
    agent.host.run(f"systemctl disable --quiet {UNIT}")
    agent.configure(CONFIG.replace("500ms", "60s"))
    agent.start()
    web_server.writes_at_shutdown()
    web_server.get(paths("last", 200))
    agent.host.reboot()
    assert not agent.host.is_active(UNIT)
    assert sorted(agent.arrived(ACCESS)) == sorted(web_server.logged())


def test_refused_configuration_is_not_retried(agent: AgentOnHost) -> None:
    """A configuration that is refused ends the service with 78 and one clear message, and systemd leaves it at that."""
    agent.stop()
    agent.host.write(CONFIGURATION, CONFIG.replace("flush_interval", "flush_intervall"))
    agent.host.run(f"systemctl start {UNIT}", check=False)
    agent.host.wait_for("the unit to have failed", lambda: agent.show("ActiveState") == "failed")
    assert agent.show("ExecMainStatus") == "78"
    assert agent.show("NRestarts") == "0"
    assert "flush_intervall" in agent.host.run(f"journalctl --no-pager --lines=30 -u {UNIT}").stdout


def test_reload(agent: AgentOnHost, web_server: WebServer) -> None:
    """`systemctl reload` takes up a changed configuration in the same process and loses no line."""
    process = agent.show("MainPID")
    web_server.get(paths("before-reload", 100))
    agent.host.write("/var/log/reloaded.log", "a line\n", mode=0o600)
    agent.host.write("/etc/vawsum-agent/conf.d/more.toml", MORE, mode=0o640, owner="root:vawsum-agent")
    agent.host.run(f"systemctl reload {UNIT}")
    web_server.get(paths("after-reload", 100))
    agent.host.wait_for("the new source's line", lambda: agent.sandbox.count("/vawsum/test/reloaded") == 1)
    agent.host.run("rm /etc/vawsum-agent/conf.d/more.toml")
    agent.assert_everything_arrives(web_server)
    assert agent.show("MainPID") == process


def test_hung_daemon_is_replaced(agent: AgentOnHost, web_server: WebServer) -> None:
    """When the daemon hangs, then systemd's watchdog kills it and a new one goes on where it was."""
    agent.stop()
    agent.configure(CONFIG, directives=("WatchdogSec=3s", "RestartSec=100ms", "LimitCORE=0"))
    agent.start()
    hung = agent.show("MainPID")
    agent.host.run(f"kill -STOP {hung}")
    web_server.get(paths("while-hung", 100))
    agent.host.wait_for(
        "another process", lambda: agent.show("MainPID") not in {hung, "0"} and agent.host.is_active(UNIT), timeout_s=30
    )
    agent.assert_everything_arrives(web_server)
