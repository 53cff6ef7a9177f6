"""The real daemon that backs up a real MariaDB into the sandbox's S3 by its schedule."""

from __future__ import annotations

import json
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandbox.demo.agent import Agent
from tests.integration.backup.vaults import BUCKET
from vawsum_agent.backup.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sandbox import Sandbox
    from sandbox.servers.mariadb import MariaDb

SERVER = "production-db"
SCHOOL = """
CREATE DATABASE school;
CREATE TABLE school.pupils (id INT PRIMARY KEY, name VARCHAR(20));
INSERT INTO school.pupils VALUES (1, 'a'), (2, 'b'), (3, 'ü');
"""


class BackupAgent(Agent):
    """The daemon with the backup capability, and what a test asks of it."""

    def __init__(self, directory: Path, sandbox: Sandbox, server: MariaDb) -> None:
        super().__init__(directory, sandbox.environment())
        self.journal = Journal(self.state_dir)
        self.option_file = directory / "backup.cnf"
        self.option_file.touch(mode=0o600)
        self.option_file.write_text(server.option_file.read_text())

    def configure(self, schedule: str = "* * * * *", *, known_for_s: float = 3600.0, further: str = "") -> None:
        """Write `agent.toml`.

        Args:
            schedule: of backups.
            known_for_s: the host knows the schedule for so long: slots since then are caught up with. 0: it is new.
            further: other tables.
        """
        agent = {
            "instance_id": "i-test",
            "role": "db",
            "environment": "production",
            "state_dir": str(self.state_dir),
            "runtime_dir": str(self.runtime_dir),
        }
        backup = {"bucket": BUCKET, "schedule": schedule, "defaults_file": str(self.option_file)}
        lines = ["[agent]", *_lines(agent), "[backup]", *_lines(backup), further, ""]
        self.config.write_text("\n".join(lines))
        if known_for_s:
            self.journal.folder.mkdir(exist_ok=True)
            noted = {"backup": {"schedule": schedule, "timezone": "UTC", "since": time.time() - known_for_s}}
            (self.journal.folder / "schedules.json").write_text(json.dumps(noted))

    def backup(self) -> dict[str, Any]:
        """What `status` says of the capability."""
        return self.component("backup")

    def detail(self, name: str) -> Any:  # noqa: ANN401 - JSON
        """One of its details."""
        return self.backup().get("details", {}).get(name)

    def wait_until(self, holds: Callable[[], object], what: str, limit_s: float = 90.0) -> None:
        """Wait for something; fails with what the daemon said last."""
        ends_at = time.monotonic() + limit_s
        while not holds():
            if time.monotonic() > ends_at:
                words = "\n".join(self.output.read_text(errors="replace").splitlines()[-15:])
                history = self.journal.outcomes()[-3:]
                status = json.dumps(self.backup())[:3000]
                raise AssertionError(
                    f"not within {limit_s:.0f} s: {what}\nstatus: {status}\nhistory: {history}\nlog: {words}"
                )
            time.sleep(0.1)

    def wait_for_job(self) -> int:
        """Wait until a job dumps; gives its process id."""
        self.wait_until(lambda: (self.detail("running") or {}).get("phase") == "dumping", "a job dumps")
        running = self.journal.running()
        assert running is not None
        return running.pid


@contextmanager
def locked_table(server: MariaDb, table: str) -> Iterator[None]:
    """Hold a table so that a dump waits for it."""
    command = ["mariadb", f"--defaults-file={server.option_file}", "--unbuffered"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as client:
        assert client.stdin is not None
        assert client.stdout is not None
        client.stdin.write(f"LOCK TABLES {table} WRITE; SELECT 'held';\n".encode())
        client.stdin.flush()
        while client.stdout.readline().strip() != b"held":
            assert client.poll() is None
        try:
            yield
        finally:
            client.kill()


def is_there(pid: int) -> bool:
    """Whether a process runs."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def dump_clients(option_file: Path) -> list[int]:
    """The dump programs that use an option file, by process id."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"dump" in words[0] and any(str(option_file).encode() in word for word in words):
            found.append(int(folder.name))
    return found


def _lines(table: dict[str, str]) -> list[str]:
    return [f"{key} = {json.dumps(value)}" for key, value in table.items()]
