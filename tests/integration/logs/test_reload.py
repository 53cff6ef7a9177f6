"""A new configuration under traffic."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

import pytest

from sandbox.proof import prove_sandbox
from tests.counts import count
from tests.integration.logs.running import RunningAgent, source
from tests.integration.logs.writing import Logrotate, Writer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sandbox import Sandbox

RELOADS = count(6, 100)


@pytest.mark.timeout(count(120, 900))
def test_reload(agent: RunningAgent, sandbox: Sandbox, logs: Path, tell: Callable[[str], None]) -> None:
    """When SIGHUP comes while traffic flows, logs rotate and the service stutters, then lost 0, twice 0; what the new
    configuration adds is followed, what it can't read is refused and the old one goes on.
    """  # noqa: D205 - one sentence
    writers = {name: Writer(name, logs / f"{name}.log", "access", 150) for name in ("a", "b")}
    rotation = Logrotate(
        logs.with_name("rotation"),
        {w.path: "create, compress, delaycompress" for w in writers.values()},
        writers.values(),
    )
    sources = [source(name, writer.path) for name, writer in writers.items()]
    agent.configure(sources[0], drain_timeout="1s")
    for writer in writers.values():
        writer.start()
    agent.start_and_wait()
    pid = agent.pid
    for kind, share in (("throttle", 0.2), ("reset_after", 0.1), ("unavailable", 0.1)):
        sandbox.fault(kind, operation="PutLogEvents", rate=share)
    for number in range(RELOADS):
        time.sleep(0.7)
        if number == 1:
            agent.config.write_text("[nonsense]")
        else:
            agent.configure(*sources[: 1 + bool(number)], drain_timeout="1s", flush_interval=f"{200 + number}ms")
        told = "config_refused" if number == 1 else "config_reloaded"
        times = len(agent.said(told))
        os.kill(pid, signal.SIGHUP)
        if number > 2:  # What was rotated away before a file was first met is nobody's business.
            rotation.run()
        agent.wait_until(lambda at=times, name=told: len(agent.said(name)) > at, "it reloads")  # type: ignore[misc]
    sandbox.calm()
    for writer in writers.values():
        writer.stop()
    written_bytes = sum(writer.written_bytes for writer in writers.values())
    agent.wait_settled(written_bytes)
    assert (agent.pid, agent.is_running) == (pid, True)
    proof = prove_sandbox(sandbox, {key: text for writer in writers.values() for key, text in writer.texts.items()})
    tell(f"{len(agent.said('config_reloaded'))} reloads: {proof}")
    assert proof.is_clean, str(proof)
    agent.assert_ledger(written_bytes)
    assert agent.stop() == 0
