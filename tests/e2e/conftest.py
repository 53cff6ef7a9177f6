"""A booted host for the tests in this folder; they are skipped, saying why, where none can be booted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sandbox.client import Sandbox
from tests.e2e.agent_on_host import CONFIG, UNIT, AgentOnHost
from tests.e2e.host.booted import BootedHost
from tests.e2e.host.install import AGENT_WHEEL, LOCKED_WHEELS, install_agent
from tests.e2e.host.tree import debian_tree, missing_tool
from tests.e2e.host.wheels import build_wheel, locked_wheels
from tests.e2e.web_server import WebServer

if TYPE_CHECKING:
    from collections.abc import Iterator

IAM = Path(__file__).parents[2] / "packaging" / "iam"
IAM_POLICIES = [IAM / f"{capability}.json" for capability in ("logs", "metrics", "alerts")]


@pytest.fixture(scope="session")
def booted_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BootedHost]:
    """A Debian host with systemd, Apache and PHP-FPM (not running) and the agent installed (not configured)."""
    missing = missing_tool()
    if missing is not None:
        pytest.skip(missing)
    wheel = build_wheel(tmp_path_factory.mktemp("wheel"))
    with BootedHost(debian_tree(), shared_folders={locked_wheels(): LOCKED_WHEELS, wheel.parent: AGENT_WHEEL}) as host:
        install_agent(host)
        yield host


@pytest.fixture(scope="session")
def web_server(booted_host: BootedHost) -> WebServer:
    """Apache and PHP-FPM, running."""
    server = WebServer(booted_host)
    server.start()
    return server


@pytest.fixture
def agent(booted_host: BootedHost, web_server: WebServer) -> Iterator[AgentOnHost]:
    """The agent, configured for a web host and running, with the rights of the shipped policies and no past."""
    web_server.start_afresh()
    with Sandbox.start(policy=IAM_POLICIES) as sandbox:
        agent = AgentOnHost(booted_host, sandbox)
        booted_host.run("rm -rf /var/lib/vawsum-agent/* /etc/vawsum-agent/conf.d/*")
        agent.configure(CONFIG)
        agent.start()
        yield agent
        bugs = booted_host.run(f"journalctl --no-pager --quiet -u {UNIT} | grep bug_contained || true").stdout
        booted_host.run(f"systemctl kill --signal=KILL {UNIT}; systemctl stop {UNIT}", check=False)
        booted_host.run("journalctl --quiet --rotate --vacuum-time=1s", check=False)
    assert bugs == ""
