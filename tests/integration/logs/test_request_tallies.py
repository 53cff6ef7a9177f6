"""Requests are counted once: whatever happens between a line and its count, the store holds one for each."""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from sandbox.proof import prove_sandbox
from tests.counts import count
from tests.integration.logs.counting import CountingAgent, requests_of
from tests.integration.logs.running import source
from tests.integration.logs.writing import CountedLog, Logrotate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sandbox import Sandbox

POINTS = [
    ("LogBatches.record", "after", 1),
    ("LogBatches.record", "after", 2),
    ("LogsClient.put", "after", 1),
    ("LogsClient.put", "after", 3),
    ("LogBatches.accept", "before", 1),
    ("LogBatches.accept", "before", 2),
    ("LogBatches.accept", "after", 1),
    ("LogBatches.accept", "after", 2),
]
"""What is called when the process dies, before or after which call of it."""
POINTS += [("Store._attempt", "inside", number) for number in range(3, count(9, 40))]
AT_ONCE = 4
MINUTES_S = 60.0


@pytest.fixture
def agent(tmp_path: Path, sandbox: Sandbox) -> Iterator[CountingAgent]:
    """A daemon that counts requests, not started."""
    agent = CountingAgent(tmp_path / "agent", sandbox)
    try:
        yield agent
    finally:
        agent.kill()


def test_counts_are_what_was_written(agent: CountingAgent, logs: Path) -> None:
    """Answers, bytes, latency and virtual hosts of lines as Apache writes them, under the minute of each line."""
    agent.configure(source("web", logs / "access.log"))
    now = int(time.time()) // 60 * 60 - 120
    stamps = [time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now + second)) for second in range(120)]
    dice = random.Random(3)
    text = [
        f'{dice.choice(("a.vawsum.com", "b.vawsum.com"))}:443 10.0.0.1 - - [{stamp}] "GET /{"x" * 50} HTTP/1.1" '
        f'{dice.choice((200, 304, 404, 500))} 100 "-" "curl/8" {dice.randrange(1000, 9000)} 0\n'
        for stamp in stamps
        for _ in range(50)
    ]
    (logs / "access.log").write_text("".join(text))
    agent.start_and_wait()
    agent.wait_settled(sum(map(len, text)))
    tallies = agent.tallies()
    assert agent.counted_requests() == requests_of(text)
    assert {tally.source for tally in tallies.values()} == {"web"}
    for minute_ms, tally in tallies.items():
        lines = [line for line in text if [*requests_of([line])] == [minute_ms]]
        for host in ("a", "b"):
            counted = tally.hosts[f"{host}.vawsum.com"]
            mine = [line for line in lines if line.startswith(host)]
            answers = [counted.answers_2xx, counted.answers_3xx, counted.answers_4xx, counted.answers_5xx]
            assert counted.requests == len(mine) == sum(counted.latency.values())
            assert answers == [sum(f" {status} 100 " in line for line in mine) for status in (200, 304, 404, 500)]
            assert counted.sent_bytes == 100 * len(mine)


def crash_and_count(folder: Path, sandbox: Sandbox, group: str, point: tuple[str, str, int]) -> None:
    """Let an agent die at a step, and let the next one finish."""
    folder.mkdir(mode=0o755)
    agent = CountingAgent(folder / "agent", sandbox)
    log = CountedLog(folder / "access.log")
    agent.configure(source("web", log.path, log_group=group))
    try:
        log.write(40, time.time() - 3 * MINUTES_S, step_s=4.0)
        agent.start_to_die(*point)
        while agent.is_running:
            log.write(20, time.time() - MINUTES_S, step_s=1.0)
            time.sleep(0.3)
        agent.wait_dead()
        log.write(20)
        agent.start_and_wait()
        agent.wait_settled(log.written_bytes)
        assert agent.counted_requests() == requests_of(log.texts.values())
        assert prove_sandbox(sandbox, log.texts, group=group).is_clean
        agent.assert_ledger(log.written_bytes)
    finally:
        agent.kill()


@pytest.mark.timeout(count(180, 1800))
def test_crash_points(sandbox: Sandbox, tmp_path: Path) -> None:
    """When the process dies before a batch is sent, before its answer is known, before it is booked or right after,
    then after the next start each request is counted once.
    """  # noqa: D205 - one sentence
    with ThreadPoolExecutor(AT_ONCE) as pool:
        runs = {
            point: pool.submit(crash_and_count, tmp_path / f"host-{index}", sandbox, f"/test/{index}", point)
            for index, point in enumerate(POINTS)
        }
        failures = {point: str(error)[:700] for point, run in runs.items() if (error := run.exception()) is not None}
    assert failures == {}


@pytest.mark.timeout(count(180, 3600))
def test_killed_again_and_again(
    agent: CountingAgent, sandbox: Sandbox, logs: Path, tell: Callable[[str], None]
) -> None:
    """When the process is killed at any moment under traffic, with rotations, then each line is counted once, in its
    minute, and the ledger of bytes is what it is without counting.
    """  # noqa: D205 - one sentence
    kills = count(8, 200)
    log = CountedLog(logs / "access.log")
    rotation = Logrotate(logs.with_name("rotation"), {log.path: "create, compress, delaycompress"})
    agent.configure(source("web", log.path))
    dice = random.Random(11)
    for kill in range(kills):
        agent.start() if kill else agent.start_and_wait()
        ends_at = time.monotonic() + dice.uniform(0.3, 2.0)
        while time.monotonic() < ends_at:
            log.write(dice.randint(1, 300), time.time() - dice.uniform(0, 2 * MINUTES_S))
            time.sleep(0.05)
        if kill % 3 == 1:
            rotation.run()
        agent.kill()
    agent.start_and_wait()
    agent.wait_settled(log.written_bytes)
    assert agent.counted_requests() == requests_of(log.texts.values())
    assert prove_sandbox(sandbox, log.texts).is_clean
    agent.assert_ledger(log.written_bytes)
    tell(f"{len(log.texts):,} requests over {kills} kills, each counted once")


def test_counts_wait_with_their_lines(agent: CountingAgent, sandbox: Sandbox, logs: Path) -> None:
    """While CloudWatch Logs refuses, batches are taken back and read again: nothing counts before they are accepted,
    and then each line counts once, under the minute in which it was written.
    """  # noqa: D205 - one sentence
    log = CountedLog(logs / "access.log")
    other = CountedLog(logs / "other.log")
    agent.configure(source("web", log.path), source("other", other.path), buffer="2MiB")
    sandbox.fault("throttle", operation="PutLogEvents", group="/test/web")
    log.write(6000, time.time() - 2 * MINUTES_S, size=600)
    agent.start_and_wait()
    agent.wait_until(lambda: sandbox.faults()[0]["hits"] > 2, "the group has refused a few times")
    other.write(6000, time.time() - MINUTES_S, size=600)
    agent.wait_until(lambda: agent.counted_requests() == requests_of(other.texts.values()), "the other one goes on")
    sandbox.calm()
    agent.wait_settled(log.written_bytes + other.written_bytes)
    assert agent.counted_requests() == requests_of([*log.texts.values(), *other.texts.values()])
