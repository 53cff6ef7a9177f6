"""A crash at every durable step, each at its own agent; afterwards all is as if nothing had happened."""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from sandbox.proof import find_ids, prove_sandbox
from tests.counts import IS_SOAK, count
from tests.integration.logs.crashing_agent import CrashingAgent
from tests.integration.logs.running import letters_of, source
from tests.integration.logs.writing import CountedLog, Logrotate, access_line, health_line

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sandbox import Sandbox
    from tests.integration.logs.running import RunningAgent

POINTS = [
    ("LogFiles.add", "after", 1),
    ("LogFiles.update", "after", 1),
    ("LogFiles.update", "after", 2),
    ("LogBatches.record", "after", 1),
    ("LogBatches.record", "after", 2),
    ("LogsClient._created", "after", 1),
    ("LogsClient._created", "after", 2),
    ("LogsClient.put", "after", 1),
    ("LogsClient.put", "after", 2),
    ("LogBatches.record_division", "after", 1),
    ("LogsClient.put", "after", 4),
    ("LogsClient.put", "after", 8),
    ("DeadLetters.append", "before", 1),
    ("DeadLetters.append", "after", 1),
    ("DeadLetters.append", "after", 2),
    ("LogBatches.accept", "before", 1),
    ("LogBatches.accept", "after", 1),
    ("LogBatches.accept", "after", 2),
    ("store.replace_durably", "before", 1),
    ("store.replace_durably", "after", 1),
]
"""Each durable step: what is called, and whether the process dies before or after which call of it."""
POINTS += [("Store._attempt", "inside", number) for number in range(1, count(6, 40))]
if IS_SOAK:
    POINTS += [("LogsClient.put", "after", number) for number in range(3, 40)]
AT_ONCE = 4
LINES = 60
DIE_LIMIT_S = 30.0
DAY_S = 86_400.0


class Host:
    """A log with everything in it that takes steps of its own: poison, a line of tomorrow, identical lines."""

    def __init__(self, folder: Path, sandbox: Sandbox, group: str) -> None:
        folder.mkdir(mode=0o755)
        self.agent = CrashingAgent(folder / "agent", sandbox)
        self.log = CountedLog(folder / "access.log")
        self.undeliverable: dict[str, str] = {}
        self.alike: Counter[str] = Counter()
        self.group = group
        self._sandbox = sandbox
        self._rotation = Logrotate(folder / "rotation", {self.log.path: "create, compress, delaycompress"})
        self.agent.configure(source("web", self.log.path, log_group=group))

    def write(self) -> None:
        """Write a bit of everything, with a rotation in between once the agent knows the file."""
        for number in range(2):
            self.log.write(LINES)
            self._add(f"tomorrow-{len(self.log.texts)}", time.time() + DAY_S, "too_new")
            self._add(f"poison-{len(self.log.texts)}", time.time(), "refused")
            line = health_line(time.time())
            self.log.append(f"{line}\n{line}\n".encode())
            self.alike[line] += 2
            if number == 0 and self._is_met():
                self._rotation.run()
            time.sleep(0.3)

    def _is_met(self) -> bool:
        """What was rotated away before an agent first came is none of its business."""
        try:
            return bool(self.agent.stored_checkpoints())
        except sqlite3.OperationalError:
            return False

    def _add(self, key: str, at: float, reason: str) -> None:
        self.log.append(f"{access_line(key, at)}\n".encode())
        self.undeliverable[key] = reason

    def crash(self, step: str, when: str, number: int) -> None:
        """Let the agent die at a step under traffic; the next one ends with everything in its place."""
        agent = self.agent
        try:
            self._die(step, when, number)
            agent.start_and_wait()
            self.write()
            agent.wait_settled(self.log.written_bytes)
            self._check()
            assert agent.stop() == 0
        finally:
            agent.kill()

    def _die(self, step: str, when: str, number: int) -> None:
        self.write()
        self.agent.start_to_die(step, when, number)
        ends_at = time.monotonic() + DIE_LIMIT_S
        while self.agent.is_running:
            assert time.monotonic() < ends_at, "it never came to that step"
            self.write()
        assert self.agent.stop() == -9

    def _check(self) -> None:
        proof = prove_sandbox(self._sandbox, self.log.texts, group=self.group)
        assert proof.is_clean, f"{proof}: {proof.lost[:3]} {proof.twice[:3]} {proof.mangled[:3]}"
        assert Counter(proof.foreign) == self.alike
        letters = letters_of(self.agent)
        # Written twice by a crash, a letter has the same id twice.
        by_id = {letter["id"]: letter for letter in letters}
        assert Counter(find_ids(letter["message"])[0] for letter in by_id.values()) == Counter(
            self.undeliverable.keys()
        )
        assert {find_ids(letter["message"])[0]: letter["reason"] for letter in letters} == self.undeliverable
        self.agent.assert_ledger(self.log.written_bytes)


@pytest.mark.timeout(count(240, 3600))
def test_crash_points(sandbox: Sandbox, tmp_path: Path, tell: Callable[[str], None]) -> None:
    """When the process dies at a durable step, whichever it is, then after the next start lost 0, twice 0, every
    undeliverable event kept, every byte in the ledger.
    """  # noqa: D205 - one sentence
    sandbox.fault("poison", text="poison")
    begun = time.monotonic()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        runs = {
            f"{step} {when} {number}": pool.submit(
                Host(tmp_path / f"host-{index}", sandbox, f"/test/{index}").crash, step, when, number
            )
            for index, (step, when, number) in enumerate(POINTS)
        }
        failures = {point: error for point, run in runs.items() if (error := run.exception()) is not None}
    tell(f"{len(runs)} points in {time.monotonic() - begun:.0f} s")
    assert failures == {}, "\n".join(f"{point}: {str(error)[:700]}" for point, error in failures.items())
    assert sandbox.violations() == []


@pytest.mark.parametrize("kind", ["hang", "hang_after"])
def test_identical_lines_around_a_rotation(kind: str, agent: RunningAgent, sandbox: Sandbox, logs: Path) -> None:
    """When the process dies while it sends lines that are identical to the last ones of a file that was rotated and
    compressed meanwhile, then they arrive once, whether they had been accepted or not.
    """  # noqa: D205 - one sentence
    log = CountedLog(logs / "access.log")
    rotation = Logrotate(logs.with_name("rotation"), {log.path: "create, compress"})
    agent.configure(source("web", log.path))
    line = health_line(time.time())
    log.write(10)
    log.append(f"{line}\n{line}\n".encode())
    agent.start_and_wait()
    agent.wait_settled(log.written_bytes)
    rotation.run()
    # Long enough for the rotated file, which nobody has open and which has no name any more, to be done with.
    time.sleep(2.5)
    sandbox.fault(kind, operation="PutLogEvents")
    log.append(f"{line}\n".encode() * 2)
    agent.wait_until(lambda: sandbox.faults()[0]["hits"], "the request is under way")
    time.sleep(0.5)
    agent.kill()
    sandbox.calm()
    agent.start_and_wait()
    agent.wait_settled(log.written_bytes)
    proof = prove_sandbox(sandbox, log.texts)
    assert proof.is_clean, str(proof)
    assert Counter(proof.foreign) == Counter({line: 4})
