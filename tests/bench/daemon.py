"""The daemon under measurement: its configuration, its clock of used CPU, its memory, its ledger."""

from __future__ import annotations

import re
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.demo.agent import Agent

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.bench.nginx import Nginx

START_S = 30.0
_POLL_S = 0.05
_KIB = 1024
_LAST_WORDS_BYTES = 2000


class BenchError(Exception):
    """The daemon did not do what is measured; there is no figure."""


@dataclass(frozen=True, slots=True)
class Source:
    """One `[[logs.source]]`."""

    pattern: str
    format: str = "apache-access"
    redact: tuple[str, ...] = ()

    def toml(self, index: int) -> str:
        """Write it as configuration."""
        redact = ", ".join(f'"{name}"' for name in self.redact)
        return (
            f'[[logs.source]]\nname = "source-{index}"\npaths = ["{self.pattern}"]\nformat = "{self.format}"\n'
            f"redact = [{redact}]\n"
        )


@dataclass(slots=True)
class Daemon:
    """A running daemon."""

    agent: Agent
    _clock_id: int = field(init=False)

    def __post_init__(self) -> None:
        # What clock_getcpuclockid(3) makes of a process id: user and system time of all its threads, in nanoseconds.
        self._clock_id = (~self.agent.pid << 3) | 2

    def cpu_s(self) -> float:
        """Seconds of CPU that it used so far, all threads, user and system."""
        return time.clock_gettime(self._clock_id)

    def peak_rss(self) -> int:
        """Most bytes it ever had resident."""
        return self._memory("VmHWM")

    def rss(self) -> int:
        """Bytes it has resident now."""
        return self._memory("VmRSS")

    def read_bytes(self) -> int:
        """Bytes it read from files so far, whatever they were."""
        text = Path(f"/proc/{self.agent.pid}/io").read_text()
        return int(text.split("rchar:")[1].split()[0])

    def accepted_bytes(self) -> int:
        """Bytes of all followed files that the service accepted, as the ledger says."""
        files = self.agent.component("logs").get("details", {}).get("files", [])
        if any(row["dropped_bytes"] for row in files):
            message = f"bytes were dropped: {files[0]}"
            raise BenchError(message)
        return sum(row["accepted_bytes"] for row in files)

    def wait_accepted(self, size: int, limit_s: float, poll_s: float = _POLL_S) -> None:
        """Wait until so many bytes are accepted. Raises BenchError when they are not."""
        deadline = time.monotonic() + limit_s
        while (accepted := self.accepted_bytes()) != size:
            if time.monotonic() > deadline or not self.agent.is_running:
                message = f"{accepted} of {size} bytes were accepted; the daemon said:\n{self.last_words()}"
                raise BenchError(message)
            time.sleep(poll_s)

    def last_words(self) -> str:
        """The end of what it wrote to its terminal."""
        return self.agent.output.read_text(errors="replace")[-_LAST_WORDS_BYTES:]

    def _memory(self, name: str) -> int:
        text = Path(f"/proc/{self.agent.pid}/status").read_text()
        found = re.search(rf"{name}:\s+(\d+) kB", text)
        if found is None:
            message = f"the daemon is gone; it said:\n{self.last_words()}"
            raise BenchError(message)
        return int(found[1]) * _KIB


@contextmanager
def running(
    directory: Path, nginx: Nginx, sources: Sequence[Source], flush_interval: str = "2s", tables: str = ""
) -> Iterator[Daemon]:
    """Start a daemon with nothing in its store, wait until it runs, and stop it afterwards.

    ``tables`` is put behind the configuration of logs.

    Raises:
        BenchError: it did not start.
    """
    agent = Agent(directory, nginx.environment())
    head = (
        f'[agent]\nenvironment = "bench"\ninstance_id = "i-bench"\nregion = "ap-south-1"\n'
        f'state_dir = "{agent.state_dir}"\nruntime_dir = "{agent.runtime_dir}"\n\n'
        f'[logs]\nflush_interval = "{flush_interval}"\n'
    )
    agent.config.write_text("\n".join([head, *(source.toml(index) for index, source in enumerate(sources)), tables]))
    agent.start()
    try:
        daemon = Daemon(agent)
        deadline = time.monotonic() + START_S
        while (agent.status() or {}).get("state") != "running":
            if time.monotonic() > deadline or not agent.is_running:
                message = f"the daemon did not start; it said:\n{daemon.last_words()}"
                raise BenchError(message)
            time.sleep(_POLL_S)
        yield daemon
    finally:
        agent.stop()
