"""The daemon's metrics, end to end: killed, stopped, with sick servers, under the policies that are shipped."""

from __future__ import annotations

import json
import random
import socket
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sandbox import Sandbox
from tests.counts import count
from vawsum_agent.metrics.publish.phase import phase_s

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sandbox.records import MetricDatum
    from tests.integration.logs.running import RunningAgent

IAM = Path(__file__).parents[3] / "packaging/iam"
KILLS = count(16, 100)
EARLY = next(name for name in (f"i-{number:08x}" for number in range(10_000)) if phase_s(name) < 0.5)
"""An instance id whose moment to publish comes right after the minute."""


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A local AWS that holds clients to the policies that are shipped."""
    with Sandbox.start(seed=7, policy=[IAM / "metrics.json", IAM / "logs.json"]) as sandbox:
        sandbox.metadata({"meta-data/tags/instance/aws:autoscaling:groupName": "web"})
        yield sandbox


def configure(agent: RunningAgent, *tables: str, sample_interval: str = "1s") -> None:
    """Write `agent.toml`."""
    head = f'[agent]\ninstance_id = "{EARLY}"\nstate_dir = "{agent.state_dir}"\nruntime_dir = "{agent.runtime_dir}"\n'
    metrics = f'[metrics]\nsample_interval = "{sample_interval}"\n'
    agent.config.write_text("\n".join([head, metrics, *tables]))


def wait_up(agent: RunningAgent) -> None:
    """Wait until the daemon has started all it has to."""
    agent.wait_until(lambda: (agent.status() or {}).get("state") in {"running", "degraded"}, "the daemon has started")


def own(sandbox: Sandbox, name: str | None = None) -> list[MetricDatum]:
    """Return what arrived for this host."""
    return sandbox.metric_data(name, InstanceId=EARLY)


def samples(rows: list[MetricDatum]) -> Counter[int]:
    """Count samples by minute."""
    found: Counter[int] = Counter()
    for row in rows:
        found[row.timestamp_ms // 60_000] += int(sum(row.counts))
    return found


def details(agent: RunningAgent) -> dict[str, Any]:
    """Return the details of the metrics capability."""
    found: dict[str, Any] = agent.component("metrics").get("details", {})
    return found


@pytest.mark.timeout(count(300, 1800))
def test_killed_again_and_again(agent: RunningAgent, sandbox: Sandbox, tell: Callable[[str], None]) -> None:
    """When `kill -9` at any moment, 100 times, then no sampled minute missing; twice at most the request in flight, and
    counted.
    """  # noqa: D205 - the row as it stands in the table
    configure(agent)
    dice = random.Random(3)
    sandbox.fault("latency", operation="PutMetricData", latency_s=1.0)
    began = time.time()
    for _ in range(KILLS):
        agent.start()
        wait_up(agent)
        time.sleep(dice.uniform(0.5, 6))
        agent.kill()
    ended = time.time()
    sandbox.calm()
    agent.start()
    wait_up(agent)
    assert agent.command("drain")[0] == 0
    agent.wait_until(lambda: details(agent).get("waiting_data") == 0 and details(agent), "the spool is empty")
    ledger = details(agent)
    held = samples(own(sandbox, "vawsum_heartbeat"))
    assert set(range(int(began + 5) // 60, int(ended - 5) // 60 + 1)) <= set(held)
    rows = own(sandbox)
    assert len(rows) >= ledger["accepted_data"]
    copies = Counter(
        (row.name, str(row.dimensions), row.timestamp_ms, str(row.values), str(row.counts)) for row in rows
    )
    assert len(copies) <= ledger["accepted_data"]
    # Each is counted once, however many crashes met the request that held it.
    again = sum(times > 1 for times in copies.values())
    assert again <= ledger["resent_data"]
    assert max(copies.values()) <= 1 + KILLS
    assert ledger["dropped_data_by_reason"] == {}
    assert sandbox.violations() == []
    tell(
        f"{KILLS} kills: {len(held)} minutes, {sum(held.values())} heartbeats, {len(rows)} data; "
        f"perhaps more than once {ledger['resent_data']}, more than once {again}"
    )


def test_stop_publishes_what_was_sampled(agent: RunningAgent, sandbox: Sandbox) -> None:
    """SIGTERM loses nothing that was sampled: the open minute is published as far as it has come."""
    configure(agent)
    agent.start()
    wait_up(agent)
    time.sleep(5)
    assert agent.stop() == 0
    assert 4 <= sum(samples(own(sandbox, "vawsum_heartbeat")).values()) <= 12
    names = {row.name for row in own(sandbox)}
    wanted = {"cpu_usage_idle", "mem_used_percent", "disk_used_percent", "netstat_tcp_established", "processes_total"}
    assert wanted <= names
    rolled = [row for row in sandbox.metric_data("cpu_usage_idle") if row.dimensions == {"AutoScalingGroupName": "web"}]
    assert rolled
    assert {row.unit for row in rolled} == {"Percent"}


def test_stopped_while_away_publishes_after_the_next_start(agent: RunningAgent, sandbox: Sandbox) -> None:
    """SIGTERM with CloudWatch away: what was sampled stays in the spool and arrives after the next start."""
    configure(agent)
    agent.start()
    wait_up(agent)
    sandbox.outage(600)
    time.sleep(4)
    assert agent.stop() == 0
    assert own(sandbox) == []
    sandbox.calm()
    agent.start()
    wait_up(agent)
    agent.wait_until(lambda: own(sandbox, "cpu_usage_idle"), "what was sampled before arrives")


def test_sick_servers_stall_nobody(agent: RunningAgent, sandbox: Sandbox, tmp_path: Path) -> None:
    """When MySQL hangs (accepts, never answers) and Apache's status page takes 60 s, then other metrics keep their
    beat; the sick one is marked.
    """  # noqa: D205 - the row as it stands in the table
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        port = hanging.getsockname()[1]
        options = tmp_path / "mysql.cnf"
        options.write_text(f"[client]\nhost = 127.0.0.1\nport = {port}\nuser = x\npassword = y\n")
        options.chmod(0o600)
        configure(
            agent,
            f'[metrics.apache]\nstatus_url = "http://127.0.0.1:{port}/server-status?auto"',
            f'[metrics.mysql]\ndefaults_file = "{options}"',
        )
        agent.start()
        wait_up(agent)
        begun = time.monotonic()
        time.sleep(12)
        lasted = time.monotonic() - begun
        status = agent.component("metrics")
        assert agent.stop() == 0
    beats = sum(samples(own(sandbox, "cpu_usage_idle")).values())
    assert beats >= 0.75 * lasted
    assert status["state"] == "degraded"
    sick = {name for name, text in status["details"]["sources"].items() if text != "ok"}
    assert sick == {"apache", "mysql"}
    for name in ("apache_up", "mysql_up"):
        (row, *_) = own(sandbox, name)
        assert row.values == [0.0]


def test_not_allowed(agent: RunningAgent, sandbox: Sandbox) -> None:
    """Without the permission metrics wait, status names it with its remedy, and they arrive once it is given."""
    sandbox.deny("cloudwatch:PutMetricData")
    configure(agent)
    agent.start()
    wait_up(agent)
    agent.wait_until(lambda: agent.component("metrics").get("state") == "degraded", "it is told", 120)
    row = agent.component("metrics")
    assert "PutMetricData" in row["last_error"]
    assert "policy" in row["hint"]
    sandbox.deny()
    agent.wait_until(lambda: own(sandbox), "they arrive", 120)


def test_status_of_a_stopped_daemon_has_the_whole_ledger(agent: RunningAgent, sandbox: Sandbox) -> None:
    """After SIGTERM `status` tells of all data that were published on the way out: spooled, accepted, none waiting."""
    configure(agent)
    agent.start()
    wait_up(agent)
    time.sleep(2)
    assert agent.stop() == 0
    _, text = agent.command("status", "--json")
    (metrics,) = json.loads(text)["components"]
    ledger = metrics["details"]
    assert ledger["spooled_data"] == ledger["accepted_data"] == len(own(sandbox)) > 0
    assert ledger["waiting_data"] == 0
