"""`vawsum-agent logs replay` beside the real daemon, and killed in the middle."""

from __future__ import annotations

import json
import subprocess
import time
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any

from sandbox.demo.agent import BINARY
from tests.integration.logs.running import RunningAgent, letters_of, source
from tests.integration.logs.writing import CountedLog
from tests.unit.logs.dead_letters import letter
from vawsum_agent.logs.deadletter import DeadLetters

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox import Sandbox

POISONED = 5
STREAMS = 30
EVENTS = 20


def replay(agent: RunningAgent, *arguments: str) -> tuple[int, dict[str, Any]]:
    """Run it with --json; gives exit code and document."""
    code, out = agent.command("logs", "replay", "--json", *arguments)
    return code, json.loads(out)


def test_what_was_refused_is_sent_again(agent: RunningAgent, sandbox: Sandbox, logs: Path) -> None:
    """Poison becomes dead letters; once the service takes them, a replay beside the running daemon delivers each once,
    with its own time, while the daemon goes on; the ledger still counts them as dropped.
    """  # noqa: D205 - one sentence
    log = CountedLog(logs / "access.log")
    agent.configure(source("web", log.path))
    number = sandbox.fault("poison", text="id=access-0000")
    log.write(50)
    agent.start_and_wait()
    agent.wait_settled(log.written_bytes)
    poisoned = letters_of(agent)
    assert poisoned
    dropped = agent.counted("dropped_bytes")
    code, plan = replay(agent, "--dry-run")
    assert (code, plan["found"], plan["accepted"]) == (0, len(poisoned), 0)
    code, refused = replay(agent)
    assert (code, refused["refused"], len(letters_of(agent))) == (1, len(poisoned), len(poisoned))
    sandbox.calm(number)
    code, document = replay(agent)
    assert (code, document["accepted"], letters_of(agent)) == (0, len(poisoned), [])
    log.write(50)
    agent.wait_settled(log.written_bytes)
    stored = Counter((event.timestamp, event.message) for _, _, event in sandbox.all_events())
    assert set(stored.values()) == {1}
    assert {(row["timestamp"], row["message"]) for row in poisoned} <= set(stored)
    assert len(stored) == 100
    assert agent.counted("dropped_bytes") == dropped
    assert sandbox.violations() == []


def test_untimely_events_are_sent_with_a_new_time(agent: RunningAgent, sandbox: Sandbox) -> None:
    """Events older than the service takes stay, and say how they can go: --restamp sends them, verbatim, as of now."""
    DeadLetters(agent.state_dir / "dead-letter", 1 << 20).append(
        [letter(number, reason="too_old", at_ms=1_000_000_000_000) for number in range(3)]
    )
    agent.configure()
    agent.config.write_text(agent.config.read_text().partition("[logs]")[0])
    code, out = agent.command("logs", "replay")
    assert code == 1
    assert "--restamp" in out
    assert out.endswith("0 of 3 accepted, 3 stay\n")
    code, document = replay(agent, "--restamp", "--reason", "too_old")
    assert (code, document["accepted"], document["streams"][0]["reason"]) == (0, 3, "too_old")
    events = [event for _, _, event in sandbox.all_events("/g")]
    assert sorted(event.message for event in events) == ["message 0", "message 1", "message 2"]
    assert all(abs(event.timestamp / 1000 - time.time()) < 60 for event in events)


def accepted(sandbox: Sandbox, events: int) -> bool:
    """Whether the service holds so many events."""
    return sandbox.count() >= events


def test_killed_in_the_middle(agent: RunningAgent, sandbox: Sandbox) -> None:
    """`kill -9` during a replay: the next one delivers the rest, and at most the request under way arrives twice."""
    now_ms = int(time.time() * 1000)
    letters = DeadLetters(agent.state_dir / "dead-letter", 1 << 20)
    letters.append([letter(n, stream=f"s{n // EVENTS}", at_ms=now_ms) for n in range(STREAMS * EVENTS)])
    agent.configure()
    agent.config.write_text(agent.config.read_text().partition("[logs]")[0])
    sandbox.fault("latency", operation="PutLogEvents", latency_s=0.02)
    twice = 0
    for _ in range(3):
        wait_for = partial(accepted, sandbox, sandbox.count() + 4 * EVENTS)
        command = [str(BINARY), "logs", "replay", "--config", str(agent.config)]
        with subprocess.Popen(command, env=sandbox.environment(), stdout=subprocess.DEVNULL) as process:
            agent.wait_until(wait_for, "some requests are accepted", 15)
            process.kill()
        twice += EVENTS
    code, document = replay(agent)
    assert (code, document["refused"], document["failed"], letters_of(agent)) == (0, 0, 0, [])
    stored = Counter(event.message for _, _, event in sandbox.all_events())
    assert set(stored) == {f"message {number}" for number in range(STREAMS * EVENTS)}
    assert sandbox.count() - len(stored) <= twice


def test_aws_away(agent: RunningAgent, sandbox: Sandbox) -> None:
    """When AWS can't be reached, then everything stays, the exit code is 1, and one line says what to do."""
    DeadLetters(agent.state_dir / "dead-letter", 1 << 20).append([letter(1, at_ms=int(time.time() * 1000))])
    agent.configure(source("web", "/nowhere/*.log"))
    sandbox.deny("logs:PutLogEvents")
    done = subprocess.run(
        [BINARY, "logs", "replay", "--config", agent.config],
        env=sandbox.environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout.endswith("0 of 1 accepted, 1 stay\n")
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("error: PutLogEvents on /g s")
    assert len(letters_of(agent)) == 1
