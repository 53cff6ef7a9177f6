"""The row of rows: everything that breaks, breaks at once."""

from __future__ import annotations

import random
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from sandbox.proof import prove_sandbox
from tests.counts import count
from tests.integration.logs.running import RunningAgent, source
from tests.integration.logs.writing import FORMATS, Kind, Logrotate, Writer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sandbox import Sandbox

CHAOS_S = count(40, 420)
OUTAGE_S = 15.0
CATCH_UP_S = 120.0
FAULTS: list[tuple[str, str, float]] = [
    ("throttle", "PutLogEvents", 0.20),
    ("unavailable", "PutLogEvents", 0.10),
    ("reset_after", "PutLogEvents", 0.10),
    ("failure_after", "PutLogEvents", 0.03),
    ("drop", "PutLogEvents", 0.04),
    ("reset", "PutLogEvents", 0.04),
    ("throttle", "GetLogEvents", 0.10),
    ("unavailable", "CreateLog*", 0.20),
]


RATES_PER_S: dict[Kind, float] = {"access": 120, "php": 25}
ROTATIONS = [
    ("create, compress, delaycompress", 1.0),
    ("create, compress", 0.0),
    ("copytruncate", 0.0),
    ("create", 0.5),
]
"""How each log is rotated, and how long its writer goes on in the old file."""


class Chaos:
    """Kills, rotates and takes CloudWatch away, each at its own pace."""

    def __init__(self, agent: RunningAgent, sandbox: Sandbox, rotation: Logrotate) -> None:
        self._agent = agent
        self._sandbox = sandbox
        self._rotation = rotation
        self._dice = random.Random(11)
        self.kills = self.rotations = self.outages = 0

    def run(self, seconds: float) -> None:
        """Go on for some time."""
        begun = time.monotonic()
        kill_at, rotate_at, outage_at = (begun + pause for pause in (3.0, 2.0, 10.0))
        while (now := time.monotonic()) < begun + seconds:
            if now >= kill_at:
                self._kill()
                kill_at = time.monotonic() + self._dice.uniform(1.5, 5)
            if now >= rotate_at:
                self._rotation.run()
                self.rotations += 1
                rotate_at = time.monotonic() + self._dice.uniform(3, 7)
            if now >= outage_at:
                self._sandbox.outage(OUTAGE_S, self._dice.choice(["refuse", "503", "hang"]))
                self.outages += 1
                outage_at = now + OUTAGE_S + self._dice.uniform(15, 40)
            time.sleep(0.02)

    def _kill(self) -> None:
        self._agent.kill()
        self.kills += 1
        time.sleep(self._dice.choice([0.0, 0.0, 1.5]))
        self._agent.start()


@pytest.mark.timeout(CHAOS_S * 2 + CATCH_UP_S * 2)
def test_all_at_once(agent: RunningAgent, sandbox: Sandbox, logs: Path, tell: Callable[[str], None]) -> None:
    """When `kill -9` every few seconds, with rotation, 20 % throttling, 10 % 503, connections reset after accepting, a
    15 s outage — all at once, minutes long —, then lost 0, duplicated 0, merged or cut 0, rule violations at the
    service 0.
    """  # noqa: D205 - the row as it stands in the table
    sandbox.settings(visibility_delay_s=2, old_visibility_delay_s=3, empty_page_rate=0.4)
    rotated = {
        Writer(f"{kind}{number}", logs / f"{kind}-{number}.log", kind, RATES_PER_S[kind], slow_s=slow_s): directives
        for number, (directives, slow_s) in enumerate(ROTATIONS)
        for kind in RATES_PER_S
    }
    agent.configure(
        *(source(w.path.stem, w.path, format=FORMATS[w.kind]) for w in rotated), flush_interval="300ms",
        confirm_window="5s", buffer="4MiB",
    )  # fmt: skip
    for writer in rotated:
        writer.start()
    agent.start()
    # What is rotated away before a daemon has met it for the first time is nobody's.
    agent.wait_until(lambda: len(agent.details().get("files", ())) >= len(rotated), "every file is met")
    for kind, operation, share in FAULTS:
        sandbox.fault(kind, operation=operation, rate=share)
    chaos = Chaos(
        agent, sandbox, Logrotate(logs.with_name("rotation"), {w.path: d for w, d in rotated.items()}, rotated)
    )
    chaos.run(CHAOS_S)
    sandbox.calm()
    chaos.run(3)
    for writer in rotated:
        writer.stop()
    written_bytes = sum(writer.written_bytes for writer in rotated)
    agent.wait_settled(written_bytes, CATCH_UP_S)

    texts = {key: text for writer in rotated for key, text in writer.texts.items()}
    alike = sum((writer.alike for writer in rotated), Counter[str]())
    proof = prove_sandbox(sandbox, texts)
    twice_alike, lost_alike = Counter(proof.foreign) - alike, alike - Counter(proof.foreign)
    details = agent.details()
    tell(f"{chaos.kills} kills, {chaos.rotations} rotations of {len(rotated)} files, {chaos.outages} outages")
    tell(f"{proof}; identical lines: {alike.total()}, lost {lost_alike.total()}, twice {twice_alike.total()}")
    tell(f"ambiguous {details['ambiguous']}, confirmed batches {details['confirmed_batches']}")
    tell(f"PutLogEvents: {sandbox.requests()['operations'].get('PutLogEvents')}")
    assert details["ambiguous"]["events"] >= len(proof.twice) + twice_alike.total()
    assert proof.is_clean, f"{proof}: {proof.lost[:3]} {proof.twice[:3]} {proof.mangled[:3]} {sandbox.violations()[:3]}"
    assert (lost_alike, twice_alike) == (Counter(), Counter())
    agent.assert_ledger(written_bytes)
    assert agent.stop() == 0
