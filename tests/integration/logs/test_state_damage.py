"""What became of the store while nobody looked."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from sandbox.proof import prove_sandbox
from tests.counts import count
from tests.integration.logs.running import RunningAgent, source
from tests.integration.logs.writing import CountedLog, Logrotate

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sandbox import Sandbox
    from sandbox.proof import Proof

LINES = count(2_000, 60_000)
WAIT_S = count(30, 600)


def remove(state: Path) -> None:
    """Take the store away; its copy stays."""
    for name in ("state.db", "state.db-wal", "state.db-shm"):
        (state / name).unlink(missing_ok=True)


def remove_all(state: Path) -> None:
    """Take the store and its copy away."""
    for file in state.glob("state.db*"):
        file.unlink()


def empty(state: Path) -> None:
    """Leave nothing of the store but its name."""
    (state / "state.db-wal").unlink(missing_ok=True)
    (state / "state.db").write_bytes(b"")


def truncate(state: Path) -> None:
    """Cut the store in half, and what would mend it."""
    (state / "state.db-wal").unlink(missing_ok=True)
    with (state / "state.db").open("r+b") as file:
        file.truncate((state / "state.db").stat().st_size // 2 + 100)


def overwrite(state: Path) -> None:
    """Leave rubbish where the store was and where its copy was."""
    for file in state.glob("state.db*"):
        file.write_bytes(b"\x00rubbish" * 4096)


def replace(state: Path) -> None:
    """Put another program's database where the store was."""
    remove(state)
    with contextlib.closing(sqlite3.connect(state / "state.db")) as database:
        database.execute("CREATE TABLE somebody_elses (thing TEXT)")
        database.commit()


DAMAGES: dict[str, Callable[[Path], None]] = {
    "missing": remove,
    "missing with its copy": remove_all,
    "empty": empty,
    "truncated": truncate,
    "overwritten with its copy": overwrite,
    "replaced": replace,
}


class Host:
    """Two logs, rotated once, and an agent that delivered all of them, to a group of its own."""

    def __init__(self, folder: Path, sandbox: Sandbox, group: str) -> None:
        folder.mkdir(mode=0o755)
        self.group = group
        self.agent = RunningAgent(folder / "agent", sandbox)
        self.files = [CountedLog(folder / f"{name}.log") for name in "ab"]
        self.agent.configure(source("web", folder / "*.log", log_group=group))
        self._rotation = Logrotate(folder / "rotation", {file.path: "create, compress" for file in self.files})
        self._sandbox = sandbox

    def deliver(self) -> None:
        """Write, rotate and write, while the agent delivers."""
        self.write(LINES, time.time() - 600)
        self.agent.start_and_wait()
        self.wait_delivered()
        self._rotation.run()
        self.write(LINES, time.time() - 300)
        self.wait_delivered()

    def write(self, lines: int, at: float | None = None) -> None:
        """Write to both logs."""
        for file in self.files:
            file.write(lines, at)

    def wait_delivered(self) -> None:
        """Wait until all is stored and what the ledger knows is settled: a store begun anew knows no rotated files."""
        written = sum(len(file.texts) for file in self.files)
        self.agent.wait_until(
            lambda: self._sandbox.count(self.group) >= written, f"{written} lines of {self.group}", WAIT_S
        )
        self.agent.wait_settled(sum(file.path.stat().st_size for file in self.files), WAIT_S)

    def prove(self) -> Proof:
        """Compare."""
        return prove_sandbox(self._sandbox, [key for file in self.files for key in file.texts], group=self.group)


def outlive(host: Host, end: str, damage: str) -> None:
    """End the agent, damage its store, start it again: everything arrives, and what happened is told."""
    agent = host.agent
    host.deliver()
    if end == "killed":
        agent.kill()
    else:
        assert agent.stop() == 0
    DAMAGES[damage](agent.state_dir)
    host.write(100)
    agent.start_and_wait()
    host.wait_delivered()

    told = agent.said("state_recovered")
    assert [entry["reason"].startswith("state.db was") for entry in told] == [True], damage
    assert any(problem["what"].startswith("state: state.db was") for problem in agent.details()["problems"]), damage
    is_kept = any(agent.state_dir.glob("state.db.damaged-*"))
    assert is_kept == (not damage.startswith("missing")), damage
    proof = host.prove()
    # What had arrived is found in the streams; what would be sent twice all the same, status counts.
    assert len(proof.twice) <= agent.details()["ambiguous"]["events"], damage
    assert proof.is_clean, f"{damage}: {proof}"
    assert agent.stop() == 0


@pytest.mark.timeout(count(120, 3600))
@pytest.mark.parametrize("end", ["killed", "stopped"])
def test_damaged_state(end: str, sandbox: Sandbox, tmp_path: Path) -> None:
    """When state.db missing, empty, truncated, then moved aside with one clear line; never a silent resend of
    everything without saying so.
    """  # noqa: D205 - the row as it stands in the table
    hosts = {damage: Host(tmp_path / f"host-{number}", sandbox, f"/test/{number}")
             for number, damage in enumerate(DAMAGES)}  # fmt: skip
    try:
        with ThreadPoolExecutor(len(hosts)) as pool:
            for done in [pool.submit(outlive, host, end, damage) for damage, host in hosts.items()]:
                done.result()
    finally:
        for host in hosts.values():
            host.agent.kill()


def test_newer_state(sandbox: Sandbox, tmp_path: Path) -> None:
    """When state.db from a newer version, then refused with one clear line, and nothing is sent or changed."""
    host = Host(tmp_path / "host", sandbox, "/test/newer")
    agent = host.agent
    host.deliver()
    assert agent.stop() == 0
    path = agent.state_dir / "state.db"
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA user_version = 99")
    content, stored, said = path.read_bytes(), sandbox.count(), agent.output.read_text()
    host.write(100)
    agent.start()
    agent.wait_until(lambda: not agent.is_running, "it refuses to start")
    assert agent.stop() == 1
    lines = [line for line in agent.output.read_text().removeprefix(said).splitlines() if line.startswith("error: ")]
    assert len(lines) == 1
    assert "is of schema 99, this version knows" in lines[0]
    assert "newer agent" in lines[0]
    assert (sandbox.count(), path.read_bytes()) == (stored, content)
