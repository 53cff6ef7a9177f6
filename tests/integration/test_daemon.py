"""The daemon as a process: what systemd, a person at a terminal and the command line see of it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BINARY = Path(sys.executable).with_name("vawsum-agent")


class Process:
    """`vawsum-agent run` on a folder of its own, without AWS."""

    def __init__(self, folder: Path, text: str = "") -> None:
        self.config = folder / "agent.toml"
        self.folder = folder
        self.write(text)
        self.environment = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
        self.environment |= {
            "VAWSUM_AGENT_CONFIG": str(self.config),
            "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_REGION": "ap-south-1",
            "AWS_ACCESS_KEY_ID": "x",
            "AWS_SECRET_ACCESS_KEY": "x",
        }
        self.process: subprocess.Popen[bytes] | None = None

    def write(self, text: str, **agent: str) -> None:
        """Write the configuration."""
        table = {"state_dir": str(self.folder / "state"), "runtime_dir": str(self.folder / "run"), **agent}
        lines = [f'{key} = "{value}"' for key, value in table.items()]
        self.config.write_text("\n".join(["[agent]", *lines, text]) + "\n")

    def start(self, **environment: str) -> subprocess.Popen[bytes]:
        """Start the daemon and wait until it answers."""
        self.process = subprocess.Popen(
            [BINARY, "run"], env=self.environment | environment, stderr=(self.folder / "log").open("ab")
        )
        self.wait_for(lambda: self.status()["state"] != "stopped")
        return self.process

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run another command beside it."""
        return subprocess.run(
            [BINARY, *arguments], env=self.environment, capture_output=True, text=True, timeout=60, check=False
        )

    def status(self) -> dict[str, Any]:
        """What ``status --json`` says."""
        document: dict[str, Any] = json.loads(self.command("status", "--json").stdout)
        return document

    def events(self) -> list[str]:
        """The names of the events logged so far."""
        return [json.loads(line)["event"] for line in (self.folder / "log").read_text().splitlines()]

    def wait_for(self, holds: Callable[[], bool], limit_s: float = 20.0) -> None:
        """Wait until it is so."""
        end = time.monotonic() + limit_s
        while not holds():
            assert time.monotonic() < end, (self.folder / "log").read_text()
            assert self.process is None or self.process.poll() is None, (self.folder / "log").read_text()
            time.sleep(0.1)

    def end(self, number: int = signal.SIGTERM, limit_s: float = 15.0) -> int:
        """Send a signal and wait for the exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(limit_s)


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Process]:
    """A daemon without capabilities, not started yet."""
    agent = Process(tmp_path)
    yield agent
    if agent.process is not None and agent.process.poll() is None:
        agent.process.kill()
        agent.process.wait()


LOGS = """
[[logs.source]]
name = "app"
paths = ["{folder}/*.log"]
format = "plain"
"""


def test_life(agent: Process) -> None:
    """It starts, answers, and ends with 0 on SIGTERM; afterwards status tells since when it is gone."""
    agent.start()
    assert agent.status()["state"] == "running"
    assert agent.command("status").returncode == 0
    assert agent.end() == 0
    after = agent.command("status")
    assert after.returncode == 2
    assert "last heard of at" in after.stdout
    last = agent.status()
    assert (last["state"], last["pid"]) == ("stopped", None)
    assert last["last_seen_at"]
    assert not (agent.folder / "run" / "control.sock").exists()


def test_interrupt_and_curl(agent: Process) -> None:
    """Ctrl-C ends it in good order; the control socket speaks plain HTTP."""
    agent.start()
    answer = subprocess.run(
        ["curl", "-sS", "--unix-socket", agent.folder / "run" / "control.sock", "http://agent/status"],
        capture_output=True,
        timeout=20,
        check=True,
    )
    assert json.loads(answer.stdout)["state"] == "running"
    assert agent.end(signal.SIGINT) == 0


def test_killed_and_started_again(agent: Process) -> None:
    """After kill -9 status says so from the state store, and the next start takes over the socket."""
    agent.start()
    agent.wait_for((agent.folder / "state" / "state.db").exists)
    agent.end(signal.SIGKILL)
    assert agent.command("status").returncode == 2
    agent.start()
    assert agent.end() == 0


def test_second_daemon(agent: Process) -> None:
    """A second daemon on the same folders ends with 75 and leaves the first one alone."""
    agent.start()
    second = agent.command("run")
    assert second.returncode == 75
    assert second.stderr.startswith("error: another daemon")
    agent.write("", state_dir=str(agent.folder / "other"))
    assert agent.command("run").returncode == 75  # the runtime folder alone is enough
    assert agent.status()["state"] == "running"


def test_bad_configuration(agent: Process) -> None:
    """A bad configuration refuses to start with 78 and one line a violation."""
    agent.write("[logs]\nbufer = 1\n", role="wbe")
    refused = agent.command("run")
    assert refused.returncode == 78
    lines = refused.stderr.splitlines()
    assert len(lines) == 3
    assert all(line.startswith(f"error: {agent.config}: ") for line in lines)


def test_reload(agent: Process) -> None:
    """SIGHUP takes a new configuration; a broken one is told in status while the old one goes on."""
    process = agent.start()
    agent.write("", environment="staging")
    process.send_signal(signal.SIGHUP)
    agent.wait_for(lambda: agent.status()["environment"] == "staging")
    agent.write("[nonsense]")
    process.send_signal(signal.SIGHUP)
    agent.wait_for(lambda: agent.status()["state"] == "degraded")
    status = agent.command("status")
    assert status.returncode == 1
    assert "nonsense" in status.stdout
    agent.write("", state_dir=str(agent.folder / "elsewhere"), runtime_dir=str(agent.folder / "run"))
    process.send_signal(signal.SIGHUP)
    time.sleep(0.5)
    agent.write("")
    process.send_signal(signal.SIGHUP)
    agent.wait_for(lambda: agent.status()["state"] == "running")
    assert agent.events().count("config_refused") == 2
    assert agent.end() == 0


def test_systemd_hears(agent: Process) -> None:
    """The manager is told of readiness, gets the watchdog fed, and hears of the reload and the stop."""
    address = str(agent.folder / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(address)
        manager.settimeout(20)
        heard: list[str] = []

        def hear_until(message: str) -> None:
            while not any(line.startswith(message) for line in heard):
                heard.extend(manager.recv(4096).decode().split("\n"))

        process = agent.start(NOTIFY_SOCKET=address, WATCHDOG_USEC="2000000")
        hear_until("READY=1")
        hear_until("WATCHDOG=1")
        hear_until("STATUS=running")
        process.send_signal(signal.SIGHUP)
        hear_until("RELOADING=1")
        hear_until("MONOTONIC_USEC=")
        assert agent.end() == 0
        hear_until("STOPPING=1")


def test_aws_away(agent: Process) -> None:
    """With AWS away the daemon runs, says degraded, drains in vain within its deadline, and still stops with 0."""
    log = agent.folder / "app.log"
    log.write_text("one line\n")
    agent.write(LOGS.format(folder=agent.folder), drain_timeout="2s")
    agent.start()
    agent.wait_for(lambda: agent.status()["components"][0]["state"] != "starting")
    drained = agent.command("drain", "--timeout", "1s")
    while drained.returncode == 75:  # the start is still under way
        drained = agent.command("drain", "--timeout", "1s")
    assert drained.returncode == 1
    assert drained.stderr.startswith("error: ")
    assert "Traceback" not in drained.stderr
    agent.wait_for(lambda: agent.status()["components"][0]["backlog_bytes"] == 9)
    before = time.monotonic()
    assert agent.end() == 0
    assert time.monotonic() - before < 10
    assert "component_drain_incomplete" in agent.events()


def test_idle_wakes(agent: Process) -> None:
    """Without work the daemon wakes about once a second: an idle host stays idle."""
    process = agent.start()

    def wakes() -> int:
        tasks = Path(f"/proc/{process.pid}/task").glob("*/status")
        lines = [line for task in tasks for line in task.read_text().splitlines()]
        return sum(int(line.split()[1]) for line in lines if line.startswith("voluntary_ctxt_switches"))

    time.sleep(1)
    before = wakes()
    time.sleep(5)
    assert wakes() - before <= 15
