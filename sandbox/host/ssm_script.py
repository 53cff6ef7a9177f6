"""One script of a document, run and ended as SSM Agent does it: own process group, SIGKILL, whoever holds its output.

As in amazon-ssm-agent's executers and runscript.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Status = Literal["Success", "Failed", "TimedOut", "Cancelled", "SuccessAndReboot"]
STOPPED_CODE = 137
"""What a step that was killed on behalf of somebody ends with, and what a script that exits so is taken for."""
REBOOT_CODE = 194
WORKING_FOLDER = "/usr/bin"
KEPT_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Ending:
    """How a script ended; `code` is -1 when its shell died of a signal."""

    status: Status
    code: int
    stdout: str
    stderr: str


class Script:
    """A script that runs once. `cancel` may be called by another thread, at any time."""

    def __init__(self, path: Path, environment: Mapping[str, str], timeout_s: float) -> None:
        self._path = path
        self._environment = environment
        self._timeout_s = timeout_s
        self._news: SimpleQueue[str] = SimpleQueue()

    def cancel(self) -> None:
        """Kill it and all of its process group."""
        self._news.put("cancelled")

    def run(self) -> Ending:
        """Run it to its end: until the shell is gone *and* nobody holds its output any more, or until it is killed."""
        (out, out_end), (err, err_end) = os.pipe(), os.pipe()
        with open(out_end, "wb") as stdout, open(err_end, "wb") as stderr:  # noqa: PTH123 - descriptors, no paths
            process = subprocess.Popen(
                ["sh", "-c", str(self._path)],
                cwd=WORKING_FOLDER,
                env=dict(self._environment),
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                process_group=0,
            )
        streams = (_Stream(out), _Stream(err))
        threading.Thread(target=self._await_end, args=(process, streams), daemon=True).start()
        try:
            news = self._news.get(timeout=self._timeout_s)
        except Empty:
            news = "timed out"
        if news != "ended":
            # What it prints from here on is lost, and nobody waits for who got out of the process group.
            texts = [stream.stop() for stream in streams]
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            return Ending("Cancelled" if news == "cancelled" else "TimedOut", STOPPED_CODE, *texts)
        return _judged(process.returncode, *(stream.stop() for stream in streams))

    def _await_end(self, process: subprocess.Popen[bytes], streams: tuple[_Stream, _Stream]) -> None:
        process.wait()
        for stream in streams:
            stream.wait()
        self._news.put("ended")


class _Stream:
    """What comes out of a pipe, the head of it, until everybody has closed the other end."""

    def __init__(self, descriptor: int) -> None:
        self._kept = bytearray()
        self._is_stopped = False
        self._reader = threading.Thread(target=self._read, args=(descriptor,), daemon=True)
        self._reader.start()

    def wait(self) -> None:
        self._reader.join()

    def stop(self) -> str:
        self._is_stopped = True
        return bytes(self._kept).decode(errors="replace")

    def _read(self, descriptor: int) -> None:
        with open(descriptor, "rb", buffering=0) as pipe:
            while block := pipe.read(65_536):
                if not self._is_stopped and len(self._kept) < KEPT_BYTES:
                    self._kept += block


def _judged(code: int, stdout: str, stderr: str) -> Ending:
    if code == 0:
        return Ending("Success", 0, stdout, stderr)
    if code == REBOOT_CODE:
        return Ending("SuccessAndReboot", code, stdout, stderr)
    if code == STOPPED_CODE:
        return Ending("TimedOut", code, stdout, stderr)
    how = f"exit status {code}" if code > 0 else f"signal: {signal.strsignal(-code) or -code}".lower()
    return Ending("Failed", max(code, -1), stdout, f"{stderr}failed to run commands: {how}")
