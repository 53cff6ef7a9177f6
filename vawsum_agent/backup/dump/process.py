"""The client program that dumps, as a child process: what it writes and says, and how it ends.

It has a group of its own, nothing to read, and no variable of ours but those that it needs; it does not outlive us.
"""

from __future__ import annotations

import fcntl
import os
import select
import signal
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from vawsum_agent.core.errors import BackupError
from vawsum_agent.core.prefix import dying_with_us, writing_in_pieces
from vawsum_agent.core.text import printable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

_PIECES = "64K"
"""Left alone, the client writes some KB at a time, and to write and be woken so often takes as long as zstd does."""

_PIPE_BYTES = 1 << 20  # what /proc/sys/fs/pipe-max-size allows to everybody
_MOST_WORDS_BYTES = 4096
_END_WITHIN_S = 5.0
_INHERITED = ("PATH", "TZ")
"""Not ``HOME``: MySQL's clients read ``.mylogin.cnf`` there, whatever option file is named, and it outdoes that."""


class DumpProcess:
    """One run of a command. Leaving the context ends it, if it has not ended by itself.

    Raises:
        BackupError: it can't be started.
    """

    def __init__(self, command: Sequence[str]) -> None:
        if not os.access(command[0], os.X_OK):
            raise BackupError(f"{command[0]} can't be run", hint="install the client programs anew")
        environment = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        try:
            self._process = subprocess.Popen(
                [*dying_with_us(), *writing_in_pieces(_PIECES), *command],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**environment, "LC_ALL": "C"},
                start_new_session=True,
                bufsize=0,
            )
        except OSError as exc:
            raise BackupError(f"{command[0]} can't be run: {exc.strerror}", hint="is it installed?") from exc
        if self._process.stdout is None or self._process.stderr is None:  # never: both are pipes
            raise BackupError(f"{command[0]} has no output")
        self._out, self._words_out = self._process.stdout.fileno(), self._process.stderr.fileno()
        self._words = b""
        self._has_said_all = False
        self._poll = select.poll()
        for descriptor in (self._out, self._words_out):
            os.set_blocking(descriptor, False)
            self._poll.register(descriptor, select.POLLIN)
        with suppress(OSError):  # of the user's many pipes; then it stays at 64 KiB
            fcntl.fcntl(self._out, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()

    @property
    def pid(self) -> int:
        """Of the client, which leads its group."""
        return self._process.pid

    def read(self, most_bytes: int, timeout_s: float) -> bytes | None:
        """Read what it has written.

        Returns:
            Some of it; empty when it has closed its output; None when nothing came in time.
        """
        for descriptor, _ in self._poll.poll(timeout_s * 1000):
            if descriptor == self._words_out:
                self._hear()
        with suppress(BlockingIOError):
            return os.read(self._out, most_bytes)
        return None

    def end(self) -> int:
        """Wait for its end; one that goes on is told to end, then killed. Gives the exit code, as `subprocess` does."""
        try:
            self._process.wait(0)
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGTERM)
        return self.wait(_END_WITHIN_S)

    def wait(self, timeout_s: float) -> int:
        """Wait for its end, at most so long: then it is killed."""
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGKILL)
            self._process.wait()
        return self._process.returncode

    def last_words(self) -> str:
        """The end of what it said on stderr, as one printable line."""
        self._hear()
        lines = self._words.decode(errors="replace").split("\n")
        return " | ".join(printable(line.strip()) for line in lines if line.strip())

    def _hear(self) -> None:
        while not self._has_said_all:
            try:
                words = os.read(self._words_out, 1 << 16)
            except BlockingIOError:
                return
            self._words = (self._words + words)[-_MOST_WORDS_BYTES:]
            if not words:
                self._has_said_all = True
                self._poll.unregister(self._words_out)

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)
