"""A command under measurement: how long it takes, and the most memory that it and all it starts have at once."""

from __future__ import annotations

import subprocess
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

from tests.bench.daemon import BenchError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_SAMPLED_EVERY_S = 0.05
_LAST_WORDS_BYTES = 2000


@dataclass(frozen=True, slots=True)
class Watched:
    """What a command took. ``peak_rss`` is in bytes, added up over its processes, of which each counts all it maps."""

    wall_s: float
    peak_rss: int
    said: str


class _Memory(threading.Thread):
    """Looks at a process and its descendants until told to end."""

    def __init__(self, pid: int) -> None:
        super().__init__(name="memory", daemon=True)
        self.peak_rss = 0
        self._root = psutil.Process(pid)
        self._is_over = threading.Event()

    def run(self) -> None:
        """Look."""
        while not self._is_over.wait(_SAMPLED_EVERY_S):
            total = 0
            with suppress(psutil.Error):
                for process in (self._root, *self._root.children(recursive=True)):
                    with suppress(psutil.Error):
                        total += process.memory_info().rss
            self.peak_rss = max(self.peak_rss, total)

    def end(self) -> None:
        """Look no more."""
        self._is_over.set()
        self.join()


def watch(command: Sequence[str], environment: Mapping[str, str]) -> Watched:
    """Run a command to its end.

    Raises:
        BenchError: it failed.
    """
    began = time.perf_counter()
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        memory = _Memory(process.pid)
        memory.start()
        said = process.stdout.read() if process.stdout else ""
        process.wait()
    wall_s = time.perf_counter() - began
    memory.end()
    if process.returncode:
        message = f"{' '.join(command)} ended with {process.returncode}; it said:\n{said[-_LAST_WORDS_BYTES:]}"
        raise BenchError(message)
    return Watched(wall_s, memory.peak_rss, said)


def time_pipe(pipe: str, environment: Mapping[str, str] | None = None) -> float:
    """Run a shell's pipe to its end, of which every part has to succeed; returns seconds.

    Raises:
        BenchError: some part of it failed.
    """
    began = time.perf_counter()
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", pipe], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        message = f"`{pipe}` ended with {done.returncode}; it said:\n{done.stderr[-_LAST_WORDS_BYTES:]}"
        raise BenchError(message)
    return time.perf_counter() - began
