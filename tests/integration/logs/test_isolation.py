"""One destination in trouble is nobody else's."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from sandbox.proof import prove_sandbox
from tests.counts import IS_SOAK, count
from tests.integration.logs.running import RunningAgent, source
from tests.integration.logs.writing import CountedLog

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox import Sandbox

FLUSH_S = 0.2
SLACK_S = 1.5
WATCHED_S = count(5, 60)
HANGING = 20
TROUBLES: dict[str, dict[str, object]] = {
    "throttled": {"kind": "throttle"},
    "forbidden": {"kind": "deny"},
    "failing": {"kind": "failure"},
    "never-created": {"kind": "throttle", "operation": "CreateLog*"},
    "hanging": {"kind": "hang"},
}
TOGETHER = [[*TROUBLES], *([trouble] for trouble in TROUBLES if IS_SOAK)]


def slowest_s(sandbox: Sandbox, log: CountedLog, seconds: float) -> float:
    """Write a line now and then for some time; return how long the slowest took to arrive."""
    slowest = 0.0
    ends_at = time.monotonic() + seconds
    while time.monotonic() < ends_at:
        stored = sandbox.count("/test/good")
        begun = time.monotonic()
        log.write(1)
        while sandbox.count("/test/good") == stored:
            assert time.monotonic() - begun < 40, "the good log waits"
            time.sleep(0.02)
        slowest = max(slowest, time.monotonic() - begun)
        time.sleep(0.05)
    return slowest


@pytest.mark.parametrize("troubles", TOGETHER, ids=" ".join)
def test_others_in_trouble(troubles: list[str], agent: RunningAgent, sandbox: Sandbox, logs: Path) -> None:
    """When groups are throttled, forbidden, failing, missing or hanging, with more to send than the buffer holds, then
    another delivers as if nothing were; what waited arrives when the trouble ends.
    """  # noqa: D205 - one sentence
    bad = [CountedLog(logs / f"{trouble}-{number}.log") for trouble in troubles for number in range(3)]
    good = CountedLog(logs / "good.log")
    sources = [source(trouble, logs / f"{trouble}-*.log") for trouble in troubles]
    agent.configure(*sources, source("good", good.path), buffer="2MiB")
    for trouble in troubles:
        sandbox.fault(**TROUBLES[trouble], group=f"/test/{trouble}")  # type: ignore[arg-type]
    for log in bad:
        log.write(6_000)
    good.write(1)
    agent.start_and_wait()
    agent.wait_until(lambda: sandbox.count("/test/good"), "the good log arrives", 10)
    assert slowest_s(sandbox, good, WATCHED_S) < FLUSH_S + SLACK_S
    assert sandbox.count() == sandbox.count("/test/good")
    sandbox.calm()
    written_bytes = sum(log.written_bytes for log in (good, *bad))
    agent.wait_settled(written_bytes, 60)
    proof = prove_sandbox(sandbox, [key for log in (good, *bad) for key in log.texts])
    assert proof.is_clean, str(proof)
    agent.assert_ledger(written_bytes)


@pytest.mark.parametrize("logs_each", [1, 8] if IS_SOAK else [8])
def test_many_hanging(logs_each: int, agent: RunningAgent, sandbox: Sandbox, logs: Path) -> None:
    """When twenty groups hang at once, however many streams they have, then the one that is well delivers as if nothing
    were.
    """  # noqa: D205 - one sentence
    bad = {f"bad-{number}": [CountedLog(logs / f"bad-{number}-{each}.log") for each in range(logs_each)]
           for number in range(HANGING)}  # fmt: skip
    good = CountedLog(logs / "good.log")
    agent.configure(
        source("good", good.path), *(source(name, logs / f"{name}-*.log") for name in bad), confirm_window="1s"
    )
    agent.start_and_wait()
    good.write(1)
    agent.wait_settled(good.written_bytes)
    sandbox.fault("hang", group="/test/bad*")
    for several in bad.values():
        for log in several:
            log.write(100)
    time.sleep(1)
    assert slowest_s(sandbox, good, WATCHED_S) < FLUSH_S + SLACK_S
    sandbox.calm()
    everything = [good, *(log for several in bad.values() for log in several)]
    agent.wait_settled(sum(log.written_bytes for log in everything), 60)
    proof = prove_sandbox(sandbox, [key for log in everything for key in log.texts])
    assert proof.is_clean, str(proof)
