"""A daemon that has metrics and nothing else."""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from vawsum_agent.core.requests import HostRequests, RequestTally
from vawsum_agent.metrics.aggregate.distribution import Series
from vawsum_agent.metrics.aggregate.period import encode_series
from vawsum_agent.state.request_tallies import add_tallies

if TYPE_CHECKING:
    from sandbox import Sandbox
    from tests.integration.logs.running import RunningAgent

LIMIT_S = 30.0


def configure(agent: RunningAgent, settings: str = "", who: str = 'instance_id = "i-alone"') -> None:
    """Write `agent.toml`."""
    agent.config.write_text(
        f'[agent]\n{who}\nstate_dir = "{agent.state_dir}"\nruntime_dir = "{agent.runtime_dir}"\n'
        f'[metrics]\nsample_interval = "1s"\n{settings}\n'
    )


def wait_up(agent: RunningAgent) -> None:
    """Wait until the daemon has started all it has to."""
    agent.wait_until(lambda: (agent.status() or {}).get("state") in {"running", "degraded"}, "the daemon has started")


@pytest.mark.parametrize(("offset_s", "severity"), [(60, "warning"), (-600, "problem")])
def test_doctor_measures_the_clock(agent: RunningAgent, sandbox: Sandbox, offset_s: int, severity: str) -> None:
    """The skew is told without logs, too, and also when it is so large that AWS refuses every request."""
    configure(agent)
    sandbox.settings(clock_offset_s=offset_s)
    _, out = agent.command("doctor", "--json")
    (clock,) = [found for found in json.loads(out)["findings"] if found["where"] == "clock"]
    assert clock["severity"] == severity


def test_what_was_counted_is_published_when_counting_is_switched_off(agent: RunningAgent, sandbox: Sandbox) -> None:
    """Requests that were counted before ``requests = false`` arrive once, and leave the store."""
    configure(agent, "requests = false")
    agent.start()
    wait_up(agent)
    agent.stop()
    tally = RequestTally("web")
    tally.add("", HostRequests(7, 7))
    with closing(sqlite3.connect(agent.state_dir / "state.db")) as database, database:
        add_tallies(database, [(int(time.time() - 600) // 60 * 60_000, tally.encode())])
    agent.start()
    agent.wait_until(lambda: sandbox.metric_data("http_requests", InstanceId="i-alone"), "the requests arrive", LIMIT_S)
    agent.stop()
    assert [row.values for row in sandbox.metric_data("http_requests", InstanceId="i-alone")] == [[7.0]]
    with closing(sqlite3.connect(agent.state_dir / "state.db")) as database:
        assert database.execute("SELECT count(*) FROM request_tally").fetchone() == (0,)


def leave(agent: RunningAgent, name: str) -> None:
    """Leave a datum in the spool of a daemon that is stopped."""
    at_ms = int(time.time() - 600) // 60 * 60_000
    body = encode_series([Series(name, (), "Count", [1.0], [1])])
    with closing(sqlite3.connect(agent.state_dir / "state.db")) as database, database:
        database.execute("INSERT INTO metric_chunk (period_ms, data_count, body) VALUES (?, 1, ?)", (at_ms, body))


def test_a_clone_does_not_publish_what_another_instance_had_left(agent: RunningAgent, sandbox: Sandbox) -> None:
    """Started from a running host's image: what waits is dropped and told; a restart on one host drops nothing."""
    configure(agent, 'dimensions = ["InstanceId"]', who="")
    for instance_id, left, dropped in (
        ("i-original", None, {}),
        ("i-original", "kept", {}),
        ("i-clone", "another_s", {"other_instance": 1}),
    ):
        sandbox.metadata({"meta-data/instance-id": instance_id})
        if left is not None:
            leave(agent, left)
        agent.start()
        wait_up(agent)
        assert agent.component("metrics")["details"]["dropped_data_by_reason"] == dropped
        agent.stop()
        # A stop publishes all that waits.
        assert sandbox.metric_data("vawsum_heartbeat", InstanceId=instance_id)
    assert [row.dimensions for row in sandbox.metric_data("kept")] == [{"InstanceId": "i-original"}]
    assert not sandbox.metric_data("another_s")
    assert [line["owner"] for line in agent.said("clone_noticed")] == ["i-original"]
