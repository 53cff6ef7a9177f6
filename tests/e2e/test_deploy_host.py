"""Deploys on a booted host: cancelled, killed, rebooted and powered off, beside a daemon that may not be trusted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sandbox.aws.account import ACCESS_KEY_ID
from sandbox.client import Sandbox
from tests.e2e.agent_on_host import UNIT
from tests.e2e.conftest import IAM
from tests.e2e.deploy_on_host import APP, COPIES, FIRST, PATH, RECOVERY, DeployOnHost
from tests.e2e.host.booted import DISK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.host.booted import BootedHost
    from tests.e2e.web_server import WebServer

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]  # the first one may have to build the host

SECOND, THIRD, FOURTH = (f"20260{month}01T000000Z-{month}{month}{month}" for month in (2, 3, 4))
POLICIES = [IAM / f"{capability}.json" for capability in ("logs", "metrics", "alerts", "deploy")]
STATE, RUNTIME = "/var/lib/vawsum-agent", "/run/vawsum-agent"
GUARD = """
[deploy.app.guard]
window = "1s"
"""


@pytest.fixture(scope="module")
def deploys(booted_host: BootedHost, web_server: WebServer) -> Iterator[DeployOnHost]:
    """A web host that serves its first release, and the daemon, running; the tests go on from one another."""
    web_server.start_afresh()
    with Sandbox.start(policy=POLICIES) as sandbox:
        booted_host.run(f"systemctl stop {UNIT}; rm -rf {STATE}/* /etc/vawsum-agent/conf.d/*", check=False)
        deploys = DeployOnHost(booted_host, sandbox, web_server)
        deploys.set_up()
        deploys.start()
        yield deploys
        bugs = booted_host.run("journalctl --no-pager --quiet | grep bug_contained || true").stdout
        deploys.tear_down()
        booted_host.run("journalctl --quiet --rotate --vacuum-time=1s", check=False)
    assert bugs == ""


def test_recovery_is_enabled(booted_host: BootedHost) -> None:
    """Whoever installs the agent has recovery at boot; its unit has no misspelt or unknown directive."""
    assert booted_host.run(f"systemctl is-enabled {RECOVERY}").stdout == "enabled\n"
    said = booted_host.run(f"systemd-analyze verify --man=no {RECOVERY}")
    assert said.stdout + said.stderr == ""


def test_cancelled_by_systems_manager(deploys: DeployOnHost) -> None:
    """A cancel, SIGKILL to all that the document started, ends the command alone: the deploy goes on and is proven."""
    daemon = deploys.show("MainPID")
    script = deploys.by_ssm(deploys.publish(SECOND, waits_in="drained"))
    deploys.await_hook()
    service = deploys.service()
    assert ACCESS_KEY_ID in deploys.host.run(f"cat /run/{service.removesuffix('.service')}/environment").stdout
    seen = f"systemctl show {service}; cat /run/systemd/transient/{service} /run/vawsum-agent-deploy-*/*"
    by_nobody = deploys.host.run(f"runuser -u nobody -- sh -c '{seen}'", check=False).stdout
    assert (SECOND in by_nobody, ACCESS_KEY_ID in by_nobody) == (True, False)

    deploys.cancel(script)

    assert deploys.host.is_active(service)
    assert deploys.last()["result"] == "running"
    deploys.let_go_on()
    told = deploys.await_end()
    assert (told["result"], told["release"]) == ("deployed", SECOND)
    (proven,) = (step["text"] for step in told["steps"] if (step["step"], step["phase"]) == ("prove", "done"))
    assert "10 answers of " in proven
    deploys.expect_served(SECOND)
    for_hooks, for_reload = deploys.noted("healthy"), deploys.noted("reload")
    assert (for_hooks["HOME"], for_hooks["USER"], for_reload["HOME"]) == ("/var/www", "www-data", "/root")
    assert "/usr/sbin" in for_hooks["PATH"].split(":")
    assert "/usr/sbin" in for_reload["PATH"].split(":")
    assert [name for name in for_hooks | for_reload if name.startswith("AWS_")] == []
    assert deploys.show("MainPID") == daemon
    deploys.host.wait_for("the daemon has looked", lambda: deploys.shown()["details"]["apps"][0]["running"] is None)
    shown = deploys.shown()
    (app,) = shown["details"]["apps"]
    assert (shown["state"], app["current"]) == ("running", SECOND)
    assert (app["last_deploy"]["release"], app["last_deploy"]["result"]) == (SECOND, "deployed")
    assert deploys.host.run(f"diff -r --exclude='*.log' {PATH}/.vawsum/deploys {COPIES}/{APP}").stdout == ""
    assert deploys.host.run(f"stat --format=%U:%a {COPIES} {COPIES}/{APP}").stdout == "root:755\n" * 2
    deploys.host.wait_for("nothing left of its service", lambda: deploys.service() == "")
    assert deploys.host.run("ls /run | grep vawsum-agent-deploy-", check=False).stdout == ""


def test_work_is_killed(deploys: DeployOnHost) -> None:
    """When the process that deploys is killed, systemd has it take back what it began, and the command tells so."""
    script = deploys.by_ssm(deploys.publish(THIRD, waits_in="switched"))
    deploys.await_hook()
    service = deploys.service()
    deploys.host.run(f"systemctl kill --kill-whom=main --signal=KILL {service}")
    out, error = script.communicate(timeout=60)
    assert script.returncode == 1
    assert '"result": "taken back"' in out
    assert "was cut off in its step hook switched" in error
    journal = deploys.host.run(f"journalctl --no-pager -u {service}").stdout
    assert journal.count("Scheduled restart job") == 1
    assert "busy" not in journal
    deploys.expect_served(SECOND)


def test_power_cut(deploys: DeployOnHost) -> None:
    """When the host goes down without a word after the switch, its next boot takes the release back by itself."""
    script = deploys.by_ssm(deploys.publish(THIRD, waits_in="switched"))
    deploys.await_hook()
    deploys.cancel(script)
    assert deploys.current() == THIRD
    deploys.host.reboot(power_cut=True)
    told = deploys.await_end()
    assert (told["result"], told["release"]) == ("taken back", THIRD)
    deploys.expect_served(SECOND)
    assert deploys.noted("failed")["HOME"] == "/var/www"
    assert "/usr/sbin" in deploys.noted("failed")["PATH"].split(":")
    assert deploys.noted("reload")["HOME"] == "/root"
    assert deploys.host.run(f"systemctl show --value --property=Result {RECOVERY}").stdout == "success\n"
    assert deploys.host.run(f"ls {PATH}/releases").stdout.split() == [FIRST, SECOND]


def test_reboot(deploys: DeployOnHost) -> None:
    """A shutdown in order is not held up by a deploy, which stops where it is; the next boot takes it back."""
    script = deploys.by_ssm(deploys.publish(THIRD, waits_in="drained"))
    deploys.await_hook()
    deploys.cancel(script)
    deploys.host.reboot()
    told = deploys.await_end()
    assert (told["result"], told["release"]) == ("taken back", THIRD)
    # Nothing was tried while the servers went down.
    (_, _, after) = deploys.log().partition("was cut off in its step hook drained\n")
    assert after.startswith("return back")
    deploys.expect_served(SECOND)


def test_agent_user_is_not_believed(deploys: DeployOnHost) -> None:
    """Whatever the daemon's user writes where it may, and whatever it answers, root deploys what was published."""
    host = deploys.host
    # Folders of everybody, such as /tmp, are sticky.
    writable = f"find / /run {DISK} -xdev -path /proc -prune -o -type f,d ! -perm -1000 -writable -print"
    found = host.run(f"runuser -u vawsum-agent -- {writable} 2>/dev/null", check=False).stdout.split()
    assert STATE in found
    # Where backups are configured, the account for dumps is its own file: it may be read by nobody else.
    assert [path for path in found if not path.startswith((STATE, RUNTIME, "/etc/vawsum-agent/mysql.cnf"))] == []
    deploys.configure(deploys.configuration(GUARD))
    deploys.stop()
    host.run(f"install -d -o vawsum-agent {RUNTIME}; touch /root/before")
    host.write("/usr/local/lib/impostor.py", (Path(__file__).parent / "impostor.py").read_text())
    host.run(
        f"systemd-run --quiet --unit=impostor --uid=vawsum-agent python3 /usr/local/lib/impostor.py {STATE} {RUNTIME}"
    )
    host.wait_for("the impostor", lambda: host.run(f"ls {RUNTIME}").stdout == "control.sock\n")

    told = deploys.by_hand(deploys.publish(FOURTH))

    assert (told["result"], told["release"]) == ("deployed", FOURTH), told
    assert told["guard"].startswith("kept")
    deploys.expect_served(FOURTH)
    assert host.run(f"find {STATE} {RUNTIME} ! -user vawsum-agent").stdout == ""
    assert host.run("find /etc /root -newer /root/before -type f ! -name '*agent.toml'").stdout == ""
    host.run("systemctl kill --signal=KILL impostor")
