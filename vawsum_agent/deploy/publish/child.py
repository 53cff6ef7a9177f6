"""A program that is run to its end, and never outlives us: not when we are interrupted, and nothing that it started."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vawsum_agent.core.errors import DeployError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_GRACE_S = 2.0
_LOOK_S = 0.02
_KEPT_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended.

    Attributes:
        code: its exit code; negative: the signal that ended it.
        out, words: what it wrote to stdout and stderr.
    """

    code: int
    out: str
    words: str

    def last_words(self, most: int = 300) -> str:
        """Give the last of what it wrote to stderr on one line; empty when it said nothing."""
        lines = [line.strip() for line in self.words.splitlines() if line.strip()]
        return " ".join(lines[-3:])[-most:]


def captured(command: Sequence[str], folder: Path, environ: Mapping[str, str]) -> Ended:
    """Run a program and take what it says. Raises DeployError when it can't be started."""
    # Files, no pipes: what it leaves behind in the background, such as a shared connection of ssh, may hold these open.
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as words:
        code = run(command, folder, environ, out.fileno(), words.fileno())
        return Ended(code, *(_text(file.fileno()) for file in (out, words)))


def run(command: Sequence[str], folder: Path, environ: Mapping[str, str], out: int, words: int) -> int:
    """Run a program in a session of its own, without a terminal to ask anybody on.

    Args:
        command: and its arguments.
        folder: in which.
        environ: all of its environment.
        out: descriptor that becomes its stdout.
        words: descriptor that becomes its stderr.

    Returns:
        Its exit code; negative: the signal that ended it. What it started in its group has ended, too.

    Raises:
        DeployError: it can't be started.
    """
    try:
        process = subprocess.Popen(
            list(command),
            cwd=folder,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=words,
            start_new_session=True,
        )
    except FileNotFoundError as exc:
        message = f"{command[0]} is not installed"
        raise DeployError(message, hint=f"install the package {command[0]}, or correct PATH") from exc
    except OSError as exc:
        message = f"{command[0]} can't be started: {exc.strerror}"
        raise DeployError(message) from exc
    try:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    except BaseException:
        _ask_to_end(process.pid)
        raise
    finally:
        # Before it is reaped nobody else can have its number: what it started and left behind is meant.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        code = process.wait()
    return code


def _ask_to_end(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGTERM)
    ends_at = time.monotonic() + _GRACE_S
    while time.monotonic() < ends_at and os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        time.sleep(_LOOK_S)


def _text(descriptor: int) -> str:
    return os.pread(descriptor, _KEPT_BYTES, 0).decode("utf-8", "replace")
