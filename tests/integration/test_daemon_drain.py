"""The promise of ``drain``: what was on the disk when it was called is at CloudWatch when it returns 0."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from sandbox.client import Sandbox
from tests.counts import count

BINARY = Path(sys.executable).with_name("vawsum-agent")

CONFIG = """
[agent]
state_dir = "{folder}/state"
runtime_dir = "{folder}/run"
instance_id = "i-1"
[logs]
flush_interval = "30s"
[[logs.source]]
name = "app"
paths = ["{folder}/*.log"]
format = "plain"
"""


def test_drained_means_delivered(tmp_path: Path) -> None:
    """A line written right before ``drain`` is delivered when it returns, in a file that was never seen, too."""
    config = tmp_path / "agent.toml"
    config.write_text(CONFIG.format(folder=tmp_path))
    with Sandbox.start() as sandbox:
        environment = sandbox.environment() | {"VAWSUM_AGENT_CONFIG": str(config)}
        daemon = subprocess.Popen([BINARY, "run"], env=environment, stderr=(tmp_path / "stderr").open("wb"))
        try:
            written: list[str] = []
            for number in range(count(6, 100)):
                with (tmp_path / f"{number % 3}.log").open("a") as log:
                    log.write(f"line {number}\n")
                written.append(f"line {number}")
                drain(environment)
                arrived = [event.message for _, _, event in sandbox.all_events("/vawsum/production/app")]
                assert sorted(arrived) == sorted(written)
        finally:
            daemon.terminate()
            assert daemon.wait(30) == 0


def drain(environment: dict[str, str]) -> None:
    """Drain; the daemon may still be starting."""
    for _ in range(100):
        ended = subprocess.run([BINARY, "drain", "--timeout=20s"], env=environment, capture_output=True, check=False)
        if ended.returncode == 0:
            return
        assert b"no daemon answers" in ended.stderr or ended.returncode == os.EX_TEMPFAIL, ended.stderr
    raise AssertionError(ended.stderr)
