"""The guard on real hosts: the daemon reads Apache's access log while a release serves, and a bad one goes again."""

from __future__ import annotations

import json
import shutil
import time
from typing import TYPE_CHECKING

import pytest

from sandbox.demo.agent import Agent
from sandbox.host.fleet import PAGES
from sandbox.host.steady_traffic import SteadyTraffic
from tests.counts import count
from tests.integration.deploy.deploying import FIRST, SECOND, THIRD, DeployHost, publish, wait_until
from tests.integration.deploy.test_fleet import GROUP, RULES, deeds, picture
from tests.integration.logs.running import source
from vawsum_agent.deploy.guard.daemon_source import DaemonSource
from vawsum_agent.deploy.machine import End, Step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sandbox import Sandbox
    from vawsum_agent.deploy.record import Record

pytestmark = pytest.mark.usefixtures("breaks_no_rule")

WINDOW_S = float(count(5, 20))
GUARD = f'drain = "deregister"\n[deploy.app.guard]\nwindow = "{WINDOW_S:.0f}s"\nmin_requests = 20\n'
BAD = "20260909T000000Z-badbad0"
RATE = 90
WARM_COUNT = count(45, 200)

# One in twenty, each counted by the release itself; the first ones are well.
_FAILING = f"""<?php
$file = fopen(__DIR__ . '/var/count', 'c+');
flock($file, LOCK_EX);
$count = 1 + (int) stream_get_contents($file);
rewind($file);
fwrite($file, (string) $count);
fclose($file);
if ($count > {WARM_COUNT} && $count % 20 == 0) {{ http_response_code(500); exit('boom'); }}
echo getenv('INSTANCE_ID'), ' ', basename(__DIR__);
"""


class Daemon(Agent):
    """The daemon of a host, with the host's configuration: it reads the access log."""

    def __init__(self, host: DeployHost) -> None:
        for folder in ("state", "run"):
            shutil.rmtree(host.host.directory / folder, ignore_errors=True)
        super().__init__(host.host.directory, host.host.environment())
        log = source("web", host.host.apache.access_log, start_at="end")
        host.configure(GUARD, top=f'[logs]\nflush_interval = "200ms"\n{log}')
        self._asked = DaemonSource(self.runtime_dir / "control.sock")

    def has_counted(self, requests: int) -> bool:
        """Whether it saw so many in the last minute."""
        now = time.time()
        return self.status() is not None and self._asked.ask(now - 60, now).traffic.requests >= requests


@pytest.fixture
def start_daemons() -> Iterator[Callable[..., list[Daemon]]]:
    """Start the daemons of hosts; they end with the test."""
    daemons: list[Daemon] = []

    def start(*hosts: DeployHost) -> list[Daemon]:
        made = [Daemon(host) for host in hosts]
        daemons.extend(made)
        for daemon in made:
            daemon.start()
        return made

    yield start
    for daemon in daemons:
        daemon.kill()


def balanced(aws: Sandbox, hosts: list[DeployHost]) -> str:
    """Put the hosts behind the balancer; gives its URL."""
    url = aws.add_target_group(GROUP, **RULES).url
    aws.register_targets(GROUP, *((one.host.instance_id, one.host.port) for one in hosts))
    aws.await_targets(GROUP)
    return url


def publish_failing(aws: Sandbox) -> None:
    """Publish the release that fails once it is warm."""
    publish(aws, BAD, {**PAGES, "index.php": _FAILING, "deploy.toml": 'writable = ["var"]\n'})


def when(record: Record, step: Step, phase: str) -> float:
    """When something was noted."""
    return next(line.at for line in record.lines if (line.step, line.phase) == (step, phase))


@pytest.mark.timeout(count(120, 600))
def test_errors_after_warming_up(
    aws: Sandbox, running: list[DeployHost], start_daemons: Callable[..., list[Daemon]]
) -> None:
    """A release that answers 500 to 5 % of requests once it is warm goes within the window; a good one stays.

    Each host judges by its own requests: the good one comes to a peer at the same time.
    """
    bad, good, _ = running
    url = balanced(aws, running)
    publish_failing(aws)
    before = picture(aws, GROUP)
    daemons = start_daemons(bad, good)
    with SteadyTraffic(url, RATE, "/index.php") as traffic:
        wait_until(lambda: all(daemon.has_counted(20) for daemon in daemons), "both count what comes before")
        start = ("deploy", "start", "--app", "web", "--json", "--release")
        with good.start(*start, SECOND) as process:
            ended = bad.deploy(BAD)
            kept = json.loads(process.communicate(timeout=60)[0])
    taken_back = ended.document
    assert (ended.code, taken_back["result"], taken_back["failed_step"]) == (1, "taken back", Step.GUARD)
    assert "requests answered 5xx; 0 % before, 2 % allowed" in taken_back["error"]
    assert (bad.serves(), bad.answer()) == (FIRST, f"{bad.host.instance_id} {FIRST}")
    assert (kept["result"], good.serves()) == ("deployed", SECOND)
    assert kept["guard"].startswith("kept: ")
    assert " 0 % of them 5xx" in kept["guard"]
    assert "; before: " in kept["guard"]
    assert picture(aws, GROUP) == before

    (record,) = bad.records()
    returned = when(record, Step.RETURN, "done")
    assert when(record, Step.GUARD, "failed") - returned < WINDOW_S + 5
    # Whoever was not served was so by the bad release, and nobody after it.
    assert {(failure.status, failure.what) for failure in traffic.failures} == {(500, "boom")}, traffic.report
    assert max(failure.at for failure in traffic.failures) < when(record, Step.DRAIN_AGAIN, "done")


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_deploys_one_after_another(
    aws: Sandbox, running: list[DeployHost], start_daemons: Callable[..., list[Daemon]]
) -> None:
    """What a bad release answered is no measure for the next one; and a daemon that dies meanwhile hides nothing."""
    host = running[0]
    url = balanced(aws, running)
    publish_failing(aws)
    (daemon,) = start_daemons(host)
    with SteadyTraffic(url, RATE, "/index.php"):
        wait_until(lambda: daemon.has_counted(100), "it counts what comes before")
        for good in (SECOND, THIRD):
            assert host.deploy(BAD).document["failed_step"] == Step.GUARD
            kept = host.deploy(good)
            assert (kept.code, host.serves()) == (0, good), kept.error
            assert "5xx" not in kept.document["guard"].replace(" 0 % of them 5xx", "")
        with host.start("deploy", "start", "--app", "web", "--release", BAD) as process:
            wait_until(lambda: host.records()[-1].lines[-1].step == Step.GUARD, "it is watched")
            time.sleep(WINDOW_S / 2)
            daemon.kill()
            time.sleep(2)
            daemon.start()
            out, _ = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "why: guard failed: exceeded: " in out
    assert host.serves() == THIRD


@pytest.mark.soak
@pytest.mark.timeout(300)
def test_a_required_guard_goes_blind(
    aws: Sandbox, running: list[DeployHost], start_daemons: Callable[..., list[Daemon]]
) -> None:
    """When the daemon of a host with a required guard ends amid the window, then the release goes."""
    host = running[0]
    balanced(aws, running)
    (daemon,) = start_daemons(host)
    host.config.write_text(f"{host.config.read_text()}required = true\n".replace(f'"{WINDOW_S:.0f}s"', '"5m"'))
    wait_until(lambda: daemon.has_counted(1), "it counts")
    with host.start("deploy", "start", "--app", "web", "--release", SECOND) as process:
        wait_until(lambda: host.records() and host.records()[-1].lines[-1].step == Step.GUARD, "it is watched")
        daemon.kill()
        out, error = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "the guard is required and sees nothing: no daemon answers" in out, error
    assert host.serves() == FIRST


def test_nobody_watches(aws: Sandbox, running: list[DeployHost]) -> None:
    """Without a daemon it is said loudly that nobody watches; where the guard is required, nothing is touched.

    The one that is not watched is not drained either, as configured, which is said as loudly.
    """
    host, refusing, _ = running
    balanced(aws, running)
    before = picture(aws, GROUP)
    host.configure('drain = "none"\n[deploy.app.guard]\nwindow = "1s"\n')
    refusing.configure("[deploy.app.guard]\nrequired = true\n")
    start = ("deploy", "start", "--app", "web", "--release", SECOND)
    with refusing.start(*start, "--json") as process:
        ended = host.run(*start)
        refused = json.loads(process.communicate(timeout=60)[0])
    unguarded = "UNGUARDED: nobody watches this release: no daemon answers on "
    assert ended.code == 0, ended.error
    assert f"  guard: {unguarded}" in ended.out
    assert unguarded in ended.error
    assert "NOT DRAINED, by configuration" in ended.error
    (record,) = host.records()
    texts = {line.step: line.text for line in record.lines if line.phase == "done"}
    assert (record.end, texts[Step.RETURN]) == (End.DEPLOYED, "never left service")
    assert texts[Step.RECORD].startswith("NOT DRAINED, by configuration")
    assert texts[Step.GUARD].startswith(unguarded)
    assert host.serves() == SECOND

    assert (process.returncode, refused["failed_step"]) == (1, Step.RECORD)
    assert "the guard is required and would see nothing: no daemon answers" in refused["error"]
    assert refusing.serves() == FIRST
    assert (picture(aws, GROUP), deeds(aws)) == (before, set())
