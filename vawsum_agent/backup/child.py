"""A job of the schedule as a process of its own: it ends with the daemon, and the daemon can end it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Literal

from vawsum_agent.backup.tether import tethered
from vawsum_agent.core.errors import BackupError
from vawsum_agent.core.text import printable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

JobKind = Literal["backup", "drill"]

_KEPT_BYTES = 8 << 10
_LONGEST_WORDS = 500
_LOOK_S = 0.05
_GOES_SOON = 500
"""Where memory gets short: a backup can be made again."""
_ARGUMENTS = {"backup": ("backup", "run"), "drill": ("backup", "drill")}
_OF_SYSTEMD = ("NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC", "LISTEN_FDS", "LISTEN_PID")
"""Meant for the daemon alone (sd_notify(3))."""


def command_for(kind: JobKind, slot: float, config: Path) -> list[str]:
    """Give the command of a job, run by the interpreter that runs us, as shielded from its environment as we are.

    Args:
        kind: what it is to do.
        slot: the moment of the schedule that it is for.
        config: the main configuration file.
    """
    shield = "-I" if sys.flags.isolated else "-P"
    command = [sys.executable, shield, "-m", "vawsum_agent", *_ARGUMENTS[kind]]
    return [*command, "--slot", repr(slot), "--config", str(config), "--json"]


class Job:
    """A process that runs, or ran. Owned by the thread that makes it, whose end ends it (PR_SET_PDEATHSIG).

    Args:
        command: what to run: an absolute path and its arguments.
        environ: of the daemon.

    Raises:
        BackupError: there is no memory, or no room for a process.
    """

    def __init__(self, command: Sequence[str], environ: Mapping[str, str] = os.environ) -> None:
        self._words = b""
        self._exit_code: int | None = None
        try:
            self._process = subprocess.Popen(
                # SIGTERM: so that it can take back what it began in S3. SIGKILL would leave that to the next start.
                tethered(list(command), end_with=signal.SIGTERM, oom_score=_GOES_SOON),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,  # what it did is in the journal
                stderr=subprocess.PIPE,
                env={name: value for name, value in environ.items() if name not in _OF_SYSTEMD},
                start_new_session=True,  # a group of its own: what it starts ends with it
            )
        except OSError as exc:
            message = f"the job can't be started: {exc.strerror}"
            raise BackupError(message, hint="free some memory or processes; it is tried again") from exc
        assert self._process.stderr is not None  # noqa: S101 - asked for above
        os.set_blocking(self._process.stderr.fileno(), False)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def exit_code(self) -> int | None:
        """Tell how it ended; negative: the signal that ended it. None while it runs. Never waits."""
        self._listen()
        if self._exit_code is None and self._has_ended():
            # Before it is reaped nobody else can have its number: what it started and left behind is meant.
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._exit_code = self._process.wait()
            self._listen()
        return self._exit_code

    def _has_ended(self) -> bool:
        return os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def last_words(self) -> str:
        """Give the last line that it wrote to stderr, shortened; empty when it said nothing."""
        lines = [line for line in self._words.decode("utf-8", "replace").splitlines() if line.strip()]
        return printable(lines[-1].strip()).removeprefix("error: ")[:_LONGEST_WORDS] if lines else ""

    def _listen(self) -> None:
        """Take what it wrote, of which the end is kept. What it started may hold the pipe: nobody waits for its end."""
        stream = self._process.stderr
        while stream is not None and not stream.closed:
            try:
                block = os.read(stream.fileno(), _KEPT_BYTES)
            except BlockingIOError:
                return
            if not block:
                stream.close()
                return
            self._words = (self._words + block)[-_KEPT_BYTES:]

    def terminate(self) -> None:
        """Ask it to take back what it began, and to end."""
        if self._exit_code is None:
            # Not by Popen, which would reap one that has just ended: `exit_code` waits for that.
            with suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGTERM)

    def kill(self) -> None:
        """End it and what it started at once."""
        if self._exit_code is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def end(self, grace_s: float) -> int:
        """Ask it to end, and kill it when it has not within ``grace_s``. Returns its exit code."""
        self.terminate()
        ends_at = time.monotonic() + grace_s
        while self.exit_code() is None:
            if time.monotonic() >= ends_at:
                self.kill()
            time.sleep(_LOOK_S)
        assert self._exit_code is not None  # noqa: S101 - the loop's condition
        return self._exit_code
