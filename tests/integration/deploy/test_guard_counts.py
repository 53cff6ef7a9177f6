"""What the guard sees is what was logged: the real daemon, an access log under its eyes, the guard's own questions."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import TYPE_CHECKING

import pytest

from tests.integration.logs.running import source
from vawsum_agent.config.model import DeployGuard, Seconds
from vawsum_agent.core.clock import SystemClock
from vawsum_agent.core.errors import DeployError
from vawsum_agent.deploy.guard.baseline import require_guard, take_baseline
from vawsum_agent.deploy.guard.daemon_source import DaemonSource
from vawsum_agent.deploy.guard.watch import watch

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox import Sandbox
    from tests.integration.logs.running import RunningAgent
    from vawsum_agent.core.traffic import Traffic

APP = """
[[deploy.app]]
name = "shop"
path = "/var/www/shop"
artifacts = "s3://artifacts/shop/"
health_url = "http://127.0.0.1/healthz"
{guard}
"""
GUARDED = APP.format(guard="[deploy.app.guard]")
CLOCK = SystemClock()


class AccessLog:
    """Lines as vhost_combined with a latency, each of its own moment."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.written = 0

    def write(self, count: int, *, age_s: float = 0.0, status: int = 200, size: int = 0) -> None:
        """Append lines of a while ago."""
        stamp = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(time.time() - age_s))
        line = f'shop.example:80 10.1.2.3 - - [{stamp}] "GET /{"x" * size} HTTP/1.1" {status} 5 "-" "curl" 20000\n'
        with self.path.open("a") as file:
            file.write(line * count)
        self.written += count


@pytest.fixture
def log(tmp_path: Path) -> AccessLog:
    """The log of the one web server."""
    return AccessLog(tmp_path / "access.log")


def counts(agent: RunningAgent, log: AccessLog) -> DaemonSource:
    """Start a daemon that counts a log, and wait until it does."""
    log.write(1)
    agent.configure(source("web", log.path), GUARDED, buffer="2MiB")
    agent.start_and_wait()
    asked = DaemonSource(agent.runtime_dir / "control.sock")
    agent.wait_until(lambda: lately(asked).requests == log.written, "the daemon counts")
    return asked


def lately(asked: DaemonSource) -> Traffic:
    """What was asked of the host in the last minute."""
    return asked.ask(time.time() - 60, time.time() + 1).traffic


def test_each_request_counts_once(agent: RunningAgent, log: AccessLog, sandbox: Sandbox) -> None:
    """Through a backlog, a rotation, a reload and a service that refuses, so that batches are read again, each request
    counts once, in its own second; and the counts are of now, though nothing was delivered.
    """  # noqa: D205 - one sentence
    log.write(500, age_s=86_400)
    log.write(300, age_s=1200)
    log.written = 0
    asked = counts(agent, log)
    sandbox.fault("throttle", operation="PutLogEvents")
    log.write(700, status=503, size=200)
    log.path.rename(log.path.with_name("access.log.1"))
    log.write(200)
    agent.wait_until(lambda: lately(asked).requests == log.written, "the rotated log is counted")
    before = asked.ask(0, time.time())
    os.kill(agent.pid, signal.SIGHUP)
    log.write(1000, size=600)
    agent.wait_until(lambda: agent.said("config_reloaded"), "the configuration is read again")
    agent.wait_until(lambda: lately(asked).requests == log.written, "counting goes on after the reload")
    sandbox.calm()
    log.write(100)
    agent.wait_until(lambda: lately(asked).requests == log.written, "counting goes on")
    found = asked.ask(0, time.time() + 1)
    assert (found.daemon, found.since) == (before.daemon, before.since)
    assert found.counted_until is not None
    assert time.time() - found.counted_until < 5
    assert (found.traffic.requests, found.traffic.answers_5xx) == (log.written + 300, 700)
    assert found.traffic.hosts["shop.example"].requests == found.traffic.requests == found.traffic.timed
    assert found.traffic.percentile_ms(0.9) == pytest.approx(20, rel=0.2)


def test_errors_after_warming_up(agent: RunningAgent, log: AccessLog) -> None:
    """When a release answers 500 to 5 % of requests only after warm-up, then the guard says so within its window."""
    asked = counts(agent, log)
    log.write(900, age_s=20)
    agent.wait_until(lambda: lately(asked).requests == log.written, "the baseline is counted")
    baseline = take_baseline(asked, CLOCK)
    assert (baseline.problem, baseline.traffic.requests) == ("", log.written)
    require_guard(asked, CLOCK)
    began_at, is_over = time.time(), threading.Event()

    def serve() -> None:
        while not is_over.wait(0.1):
            is_warm = time.time() - began_at > 1.5
            log.write(19)
            log.write(1, status=500 if is_warm else 200)

    traffic = threading.Thread(target=serve)
    traffic.start()
    limits = DeployGuard(window=Seconds(4.0), required=True)
    said: list[str] = []
    try:
        result = watch(asked, baseline, limits, began_at=began_at, clock=CLOCK, sleep=time.sleep, say=said.append)
    finally:
        is_over.set()
        traffic.join()
    assert (result.verdict, result.figures.reason) == ("exceeded", "5xx")
    assert time.time() - began_at < 4 + 3
    assert "(shop.example: " in result.line


def test_without_a_guard_nothing_is_counted(agent: RunningAgent, log: AccessLog) -> None:
    """A daemon that has no application to guard counts nothing, and a required guard is refused."""
    log.write(10)
    agent.configure(source("web", log.path), APP.format(guard=""))
    agent.start_and_wait()
    asked = DaemonSource(agent.runtime_dir / "control.sock")
    agent.wait_until(lambda: agent.counted("accepted_bytes") > 0, "the log is read")
    assert asked.ask(0, time.time()).counted_until is None
    with pytest.raises(DeployError, match="the daemon counts no requests"):
        require_guard(asked, CLOCK)
