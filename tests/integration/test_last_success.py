"""What succeeded last stays known, whatever becomes of the component that did it."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sandbox import Sandbox
    from tests.integration.logs.running import RunningAgent

CONFIG = """
[agent]
instance_id = "i-test"
state_dir = "{agent.state_dir}"
runtime_dir = "{agent.runtime_dir}"
drain_timeout = "1s"
[logs]
flush_interval = "200ms"
[[logs.source]]
name = "app"
paths = ["{log}"]
format = "plain"
[metrics]
sample_interval = "1s"
"""


def test_no_success_is_forgotten(agent: RunningAgent, sandbox: Sandbox, tmp_path: Path) -> None:
    """Drained, reloaded, stopped, started or killed with AWS out of reach: logs and metrics never say "never"."""
    log = tmp_path / "app.log"
    log.write_text("a line\n")
    agent.config.write_text(CONFIG.format(agent=agent, log=log))

    def successes() -> list[str | None]:
        return [agent.component(name).get("last_success_at") for name in ("logs", "metrics")]

    def is_up() -> bool:
        return (agent.status() or {}).get("state") in {"running", "degraded"}

    agent.start()
    agent.wait_until(lambda: is_up() and agent.component("metrics")["details"]["last_round_at"], "a round was sampled")
    assert agent.command("drain", "--timeout", "30s")[0] == 0
    agent.wait_until(is_up, "it goes on")
    # The components are new ones, and none of them has had anything to do yet, or has done it since.
    assert None not in successes()
    sandbox.outage(600)
    before = successes()
    for step in steps(agent):
        step()
        agent.wait_until(is_up, "it goes on")
        assert successes() == before
    agent.stop()
    code, told = agent.command("status")
    assert (code, "never" in told) == (2, False)


def steps(agent: RunningAgent) -> list[Callable[[], None]]:
    """What becomes of components, one after the other."""

    def drain() -> None:
        agent.command("drain", "--timeout", "500ms")

    def reload() -> None:
        times = len(agent.said("config_reloaded"))
        os.kill(agent.pid, signal.SIGHUP)
        agent.wait_until(lambda: len(agent.said("config_reloaded")) > times, "it reloads")

    def restart() -> None:
        agent.stop()
        agent.start()

    def crash() -> None:
        agent.kill()
        agent.start()

    return [drain, reload, restart, crash]
