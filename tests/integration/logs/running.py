"""The real daemon beside a sandbox: configured, started, watched, and asked what it holds."""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from sandbox.demo.agent import Agent
from tests.counts import count

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Sandbox

LIMIT_S = float(count(30, 300))
CALM: dict[str, Any] = {"visibility_delay_s": 0.5, "old_visibility_delay_s": 0.5, "empty_page_rate": 0.25}
"""Settings of a sandbox that shows events soon, for tests of something else."""


def source(name: str, *paths: Path | str, **keys: str | list[str]) -> str:
    """Return one `[[logs.source]]`; its group is `/test/{name}` unless the keys say otherwise."""
    values = {"name": name, "format": "apache-access", "log_group": f"/test/{name}", **keys}
    lines = [f"{key} = {json.dumps(value)}" for key, value in values.items()]
    return "\n".join(["[[logs.source]]", f"paths = {json.dumps([*map(str, paths)])}", *lines, ""])


def letters_of(agent: Agent) -> list[dict[str, Any]]:
    """Read the dead-letter folder."""
    files = sorted((agent.state_dir / "dead-letter").glob("*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def counted(logs: dict[str, Any], name: str) -> int:
    """Sum a column of the byte ledger in a status of the logs capability."""
    details = logs.get("details", {})
    total = sum(row[name] for row in details.get("files", []))
    for row in details.get("folded", {}).values():
        accepted, dropped = row["accepted_bytes"], sum(row["dropped_by_reason"].values())
        shares = {"accepted_bytes": accepted, "dropped_bytes": dropped, "read_bytes": accepted + dropped}
        total += shares.get(name, 0)
    return int(total)


class RunningAgent(Agent):
    """The daemon, with what a test asks of it."""

    def __init__(self, directory: Path, sandbox: Sandbox) -> None:
        super().__init__(directory, sandbox.environment())
        self.sandbox = sandbox

    def configure(self, *sources: str, drain_timeout: str = "5s", **logs: object) -> None:
        """Write `agent.toml`: quick flushes, and a window that is above the sandbox's delays."""
        table = {"flush_interval": "200ms", "confirm_window": "3s", **logs}
        head = {
            "instance_id": "i-test",
            "state_dir": str(self.state_dir),
            "runtime_dir": str(self.runtime_dir),
            "drain_timeout": drain_timeout,
        }
        text = ["[agent]", *(f"{key} = {json.dumps(value)}" for key, value in head.items())]
        text += ["[logs]", *(f"{key} = {json.dumps(value)}" for key, value in table.items())]
        self.config.write_text("\n".join([*text, *sources]))

    def wait_until(self, holds: Callable[[], object], what: str, limit_s: float = LIMIT_S) -> None:
        """Wait for something; fails with what the daemon said last."""
        ends_at = time.monotonic() + limit_s
        while True:
            begun = time.monotonic()
            if holds():
                return
            if time.monotonic() > ends_at:
                words = "\n".join(line[:600] for line in self.output.read_text(errors="replace").splitlines()[-15:])
                status = json.dumps(self.component("logs"))[:3000]
                raise AssertionError(f"not within {limit_s:.0f} s: {what}\nstatus: {status}\nlog: {words}")
            # Asking costs the daemon something, too: the status of a thousand files is long.
            time.sleep(max(0.05, 5 * (time.monotonic() - begun)))

    def start_and_wait(self) -> None:
        """Start, and wait until the logs capability answers."""
        self.start()
        self.wait_until(lambda: self.component("logs"), "the daemon answers")

    def wait_settled(self, written_bytes: int, limit_s: float = LIMIT_S) -> None:
        """Wait until so many bytes of the files have their final answer, and nothing else is under way."""

        def is_settled() -> bool:
            logs = self.component("logs")
            settled = counted(logs, "accepted_bytes") + counted(logs, "dropped_bytes")
            return settled >= written_bytes and logs["backlog_bytes"] == 0

        self.wait_until(is_settled, f"{written_bytes:,} bytes are settled", limit_s)

    def wait_stored(self, events: int, limit_s: float = LIMIT_S) -> None:
        """Wait until the service holds so many events."""
        self.wait_until(
            lambda: self.sandbox.count() >= events, f"{events} events stored, not {self.sandbox.count()}", limit_s
        )

    def details(self) -> dict[str, Any]:
        """Return the details of the logs capability."""
        found: dict[str, Any] = self.component("logs").get("details", {})
        return found

    def counted(self, name: str) -> int:
        """Sum a column of the byte ledger over all files, those folded into a total included."""
        return counted(self.component("logs"), name)

    def pending_bytes(self) -> int:
        """Sum what is read and not settled."""
        return self.counted("pending_bytes")

    def said(self, event: str) -> list[dict[str, Any]]:
        """Return the log events of a name."""
        found = []
        for line in self.output.read_text(errors="replace").splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if entry.get("event") == event:
                found.append(entry)
        return found

    def resident_bytes(self) -> int:
        """Return the resident size; 0 when it doesn't run."""
        try:
            lines = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii").splitlines()
        except OSError:
            return 0
        return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:")), 0)

    def cpu_s(self) -> float:
        """Return the processor time spent so far."""
        times = psutil.Process(self.pid).cpu_times()
        return float(times.user + times.system)

    def stored_checkpoints(self) -> dict[str, int]:
        """Read the checkpoints out of the store, by path; the daemon need not run."""
        with closing(sqlite3.connect(f"file:{self.state_dir / 'state.db'}?mode=ro", uri=True)) as database:
            return dict(database.execute("SELECT path, sum(checkpoint) FROM log_file GROUP BY path").fetchall())

    def assert_ledger(self, written_bytes: int) -> None:
        """Check that every byte written is accounted for once, in `status` as in the files."""
        read, accepted, dropped, pending = (
            self.counted(f"{name}_bytes") for name in ("read", "accepted", "dropped", "pending")
        )
        assert read == accepted + dropped + pending
        assert (accepted + dropped, pending) == (written_bytes, 0)
