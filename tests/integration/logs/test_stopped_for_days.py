"""The agent was away while the logs went on."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from sandbox.proof import find_ids, prove_sandbox
from tests.counts import count
from tests.integration.logs.running import RunningAgent, source
from tests.integration.logs.writing import CountedLog, Logrotate

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sandbox import Sandbox

DAY_S = 86_400.0
MODES = {
    "at-once": "create, compress",
    "delayed": "create, compress, delaycompress",
    "copied": "copytruncate, compress, delaycompress",
    "dated": "create, compress, dateext, dateformat -%Y%m%d-%s",
    "plain": "create",
}
LINES = count(700, 20_000)
DAYS = 5


def age(path: Path, at: float) -> None:
    """Make the newest rotation of a log as old as its content."""
    rotated = [file for file in path.parent.glob(f"{path.name}*") if file != path]
    newest = max(rotated, key=lambda file: file.stat().st_mtime)
    os.utime(newest, (at, at))


@pytest.mark.timeout(count(120, 600))
@pytest.mark.parametrize("end", ["stopped", "killed"])
def test_stopped_for_days(
    end: str, agent: RunningAgent, sandbox: Sandbox, logs: Path, tell: Callable[[str], None]
) -> None:
    """When stopped for days, files rotated and compressed meanwhile, then it goes on at the exact byte, inside the
    `.gz`.
    """  # noqa: D205 - the row as it stands in the table
    files = {mode: CountedLog(logs / f"{mode}.log") for mode in MODES}
    rotation = Logrotate(logs.with_name("rotation"), {files[mode].path: MODES[mode] for mode in MODES})
    agent.configure(*(source(mode, file.path) for mode, file in files.items()))
    begun = time.time() - (DAYS + 1) * DAY_S
    rests, whole = {}, 0
    for file in files.values():
        file.write(LINES, begun, step_s=1)
        # The unread rest will begin in the middle of a line that was half written.
        whole += file.written_bytes
        rests[file] = file.begin_line(begun + LINES)
        os.utime(file.path, (begun + LINES, begun + LINES))
    agent.start_and_wait()
    agent.wait_stored(LINES * len(files))
    agent.wait_until(lambda: agent.counted("accepted_bytes") == whole, "all whole lines are booked")
    if end == "stopped":
        assert agent.stop() == 0
    else:
        agent.kill()
    assert sum(agent.stored_checkpoints().values()) == whole

    for day in range(1, DAYS + 1):
        at = begun + day * DAY_S
        for file in files.values():
            file.append(rests.pop(file, b""))
            file.write(LINES, at, step_s=1)
            os.utime(file.path, (at + LINES, at + LINES))
        time.sleep(1.1 - time.time() % 1)
        rotation.run()
        for file in files.values():
            age(file.path, at + LINES)
    for file in files.values():
        file.write(LINES, time.time() - LINES - 1, step_s=1)
    assert len(list(logs.glob("*.gz"))) >= DAYS * 2
    agent.start_and_wait()
    texts = {key: text for file in files.values() for key, text in file.texts.items()}
    agent.wait_stored(len(texts), count(60, 300))
    written_bytes = sum(file.written_bytes for file in files.values())
    agent.wait_settled(written_bytes)

    proof = prove_sandbox(sandbox, texts)
    tell(f"{len(list(logs.iterdir()))} files: {proof}")
    assert proof.is_clean, str(proof)
    for mode, file in files.items():
        assert [find_ids(event.message)[0] for _, _, event in sandbox.all_events(f"/test/{mode}")] == [*file.texts]
    agent.assert_ledger(written_bytes)
    details = agent.details()
    assert (details["ambiguous"]["events"], details["lost_files"]) == (0, 0)
    # Not one byte before the stop was read again.
    assert len(agent.said("batch_sent_again")) == 0
