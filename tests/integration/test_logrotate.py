"""The real logrotate, in every mode, under a writer that never stops and an agent that does: every line once."""

from __future__ import annotations

import shutil
import subprocess
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.counts import count
from tests.unit.logs.follow.following import Reader, source_of
from vawsum_agent.core.clock import SystemClock
from vawsum_agent.state.log_files import LogFiles, advance
from vawsum_agent.state.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from vawsum_agent.state.log_records import Marker

MODES = {
    "create": "create",
    "nocreate": "nocreate",
    "compress": "create\ncompress",
    "delaycompress": "create\ncompress\ndelaycompress",
    "xz": "create\ncompress\ncompresscmd /usr/bin/xz\ncompressext .xz",
    "bzip2": "create\ncompress\ncompresscmd /usr/bin/bzip2\ncompressext .bz2",
    "dateext": "create\ncompress\ndelaycompress\ndateext\ndateformat -%Y%m%d-%s",
    "extension": "create\nextension .log",
    "olddir": "create\nolddir {folder}/old\ncompress\ndelaycompress",
    "maxage": "create\ncompress\nmaxage 1",
    "copytruncate": "copytruncate",
    "copytruncate-compress": "copytruncate\ncompress",
    "copytruncate-delaycompress": "copytruncate\ncompress\ndelaycompress",
    "copytruncate-dateext": "copytruncate\ndateext\ndateformat -%Y%m%d-%s",
}


class StoredRecords(LogFiles):
    """The real store, with the checkpoint that the pipeline writes."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._to = store

    def advance(self, file_id: int, offset: int, marker: Marker) -> None:
        """Move a checkpoint in a transaction of its own."""
        self._to.write(
            lambda db: advance(db, file_id, offset=offset, marker=marker, accepted_bytes=0, dropped={}),
        )


class Writer(threading.Thread):
    """Writes numbered lines to a log that it keeps open; opens it anew some time after it is told to."""

    def __init__(self, path: Path) -> None:
        super().__init__(daemon=True)
        self.path = path
        self.written = 0
        self.may_write = threading.Lock()
        self.reopen = path.with_name("reopen.flag")
        self._is_over = threading.Event()

    def run(self) -> None:
        """Write until told to stop."""
        while not self._is_over.is_set():
            with self.path.open("ab", buffering=0) as file:
                while not self._is_over.is_set() and not self.reopen.exists():
                    with self.may_write:
                        file.write(b"line %08d of a log that is rotated while it is written\n" % self.written)
                        self.written += 1
                    time.sleep(0.0005)
            self.reopen.unlink(missing_ok=True)

    def stop(self) -> None:
        """Stop writing."""
        self._is_over.set()
        self.join()


class Host:
    """A log, its writer and its logrotate."""

    def __init__(self, folder: Path, mode: str) -> None:
        self.log = folder / "access.log"
        self.writer = Writer(self.log)
        self._copies = "copytruncate" in mode
        self._state = folder / "logrotate.state"
        self._config = folder / "logrotate.conf"
        self._is_dated = "dateext" in mode
        (folder / "old").mkdir()
        # The script runs after the renaming and before any compression: that is when servers are told to reopen.
        script = "" if self._copies else f"postrotate\ntouch {self.writer.reopen}\nsleep 0.1\nendscript\n"
        options = MODES[mode].format(folder=folder)
        self._config.write_text(f"{self.log} {{\nsize 1\nrotate 50\nmissingok\n{options}\n{script}}}\n")
        self._config.chmod(0o600)
        folder.chmod(0o755)

    def rotate(self) -> None:
        """Run logrotate; what is written between copying and truncating is lost to everybody, so nothing is."""
        if self._is_dated:
            time.sleep(1.05 - time.time() % 1)
        if self._copies:
            self.writer.may_write.acquire()
        try:
            command = ["logrotate", "--force", "--state", str(self._state), str(self._config)]
            subprocess.run(command, check=True, timeout=30, capture_output=True, text=True)
        finally:
            if self._copies:
                self.writer.may_write.release()


class Agent:
    """The follower and its store, with a pipeline that has everything accepted."""

    def __init__(self, log: Path, state: Path) -> None:
        self.store = Store.open(state, SystemClock())
        self.reader = Reader(source_of(log), StoredRecords(self.store), SystemClock())

    def run(self, seconds: float) -> None:
        """Follow for some time."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.reader.drain(scans=1, limit=10_000)
            time.sleep(0.02)

    def lines(self) -> list[bytes]:
        """Give the accepted lines, of one generation after the other."""
        return b"".join(self.reader.contents).splitlines(keepends=True)


@pytest.mark.skipif(shutil.which("logrotate") is None, reason="needs logrotate; `make setup` installs it as root")
@pytest.mark.parametrize("mode", MODES)
def test_every_line_once(mode: str, tmp_path: Path) -> None:
    """Rotated while the agent runs, thrice while it is stopped, and while it catches up: lost 0, twice 0, in order."""
    host = Host(tmp_path, mode)
    agent = Agent(host.log, tmp_path / "state" / "state.db")
    host.writer.start()
    agent.run(0.3)
    for _ in range(count(1, 20)):
        for _ in range(2):
            host.rotate()
            agent.run(0.3)
        agent.reader.stop()
        for _ in range(3):
            time.sleep(0.1)
            host.rotate()
        time.sleep(0.1)
        agent.reader.start()
        agent.run(0.1)
        host.rotate()
        agent.run(0.2)
    host.writer.stop()
    deadline = time.monotonic() + 15
    while len(agent.lines()) < host.writer.written and time.monotonic() < deadline:
        agent.run(0.2)
    agent.run(0.5)
    agent.reader.stop()
    agent.store.close()
    lines = agent.lines()
    arrived = Counter(lines)
    written = {b"line %08d of a log that is rotated while it is written\n" % n for n in range(host.writer.written)}
    assert len(written) > 500
    assert sorted(written - arrived.keys())[:3] == []
    assert [line for line, times in arrived.items() if times > 1 or line not in written][:3] == []
    assert lines == sorted(lines)
