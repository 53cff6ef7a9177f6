"""A crash at every durable step of metrics; the next life publishes what the first one sampled."""

from __future__ import annotations

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.integration.logs.crashing_agent import CrashingAgent

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox import Sandbox

Point = tuple[str, str, int]

POINTS: list[Point] = [
    ("MetricSpool.add_round", "before", 2),
    ("MetricSpool.add_round", "after", 1),
    ("MetricSpool.add_round", "after", 3),
    ("MetricSpool.seal", "before", 1),
    ("MetricSpool.seal", "after", 1),
    ("MetricSpool.begin", "before", 1),
    ("MetricSpool.begin", "after", 1),
    ("MetricsClient.put", "after", 1),
    ("MetricSpool.accepted", "after", 1),
]
"""Each durable step: what is called, and whether the process dies before or after which call of it."""

AT_ONCE = 3
SAMPLED_S = 3.5
DIE_LIMIT_S = 30.0


class End(NamedTuple):
    """What was in the store and at the service in the end."""

    accepted: int
    resent: int
    waiting: int
    arrived: int
    beats: int


def live_twice(folder: Path, sandbox: Sandbox, point: Point) -> End:
    """Sample, be stopped, die at the step; live again and be stopped in order."""
    name = f"i-{'-'.join(map(str, point))}"
    agent = CrashingAgent(folder, sandbox)
    head = f'[agent]\ninstance_id = "{name}"\nstate_dir = "{agent.state_dir}"\nruntime_dir = "{agent.runtime_dir}"\n'
    agent.config.write_text(f'{head}[metrics]\ndimensions = ["InstanceId"]\nsample_interval = "1s"\n')
    try:
        agent.start_to_die(*point)
        ends_at = time.monotonic() + DIE_LIMIT_S
        agent.wait_until(lambda: agent.component("metrics") or not agent.is_running, "it answers", DIE_LIMIT_S)
        time.sleep(SAMPLED_S)
        if agent.is_running:
            os.kill(agent.pid, signal.SIGTERM)
        while agent.is_running:
            assert time.monotonic() < ends_at, f"{point} is never reached"
            time.sleep(0.02)
        agent.start()
        agent.wait_until(lambda: (agent.status() or {}).get("state") == "running", "it has started", DIE_LIMIT_S)
        time.sleep(1)
        assert agent.command("drain")[0] == 0
        agent.wait_until(lambda: agent.component("metrics").get("details"), "it answers again", DIE_LIMIT_S)
        details = agent.component("metrics")["details"]
    finally:
        agent.kill()
    rows = sandbox.metric_data(InstanceId=name)
    beats = [row for row in rows if row.name == "vawsum_heartbeat"]
    return End(
        accepted=details["accepted_data"],
        resent=details["resent_data"],
        waiting=details["waiting_data"],
        arrived=len(rows),
        beats=int(sum(sum(row.counts) for row in beats)),
    )


@pytest.mark.timeout(240)
def test_a_crash_at_every_durable_step(sandbox: Sandbox, tmp_path: Path) -> None:
    """Killed at each durable step, what was sampled arrives; twice only the request in flight, and counted."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        ends = list(
            pool.map(lambda numbered: live_twice(tmp_path / str(numbered[0]), sandbox, numbered[1]), enumerate(POINTS))
        )
    for point, end in zip(POINTS, ends, strict=True):
        assert end.waiting == 0, point
        assert end.beats >= (1 if point[0] == "MetricSpool.add_round" else 3), point
        in_flight = point in {("MetricSpool.begin", "after", 1), ("MetricsClient.put", "after", 1)}
        assert (end.resent > 0) is in_flight, point
        assert end.arrived - end.accepted == (end.resent if point[0] == "MetricsClient.put" else 0), point
