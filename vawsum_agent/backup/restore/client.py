"""One client program as a child process: takes SQL, says what fails. It does not outlive us."""

from __future__ import annotations

import fcntl
import os
import select
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from vawsum_agent.backup.restore.words import told
from vawsum_agent.core.errors import BackupError
from vawsum_agent.core.prefix import dying_with_us

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from vawsum_agent.backup.server.programs import Program

_PIPE_BYTES = 1 << 20  # what /proc/sys/fs/pipe-max-size allows to everybody
_MOST_WORDS_BYTES = 4096
_LOOK_UP_EVERY_S = 0.5
_INHERITED = ("PATH", "TZ")
"""Not ``HOME``: MySQL's clients read ``.mylogin.cnf`` there, whatever option file is named, and it outdoes that."""


class ClientFailed(Exception):
    """A client ended with an error. Of what it was given the beginning may have been carried out.

    Attributes:
        words: the end of what it said, printable, on one line.
    """

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words


@dataclass(frozen=True, slots=True)
class Clients:
    """How clients are started.

    Attributes:
        program: that runs SQL.
        option_file: its ``[client]`` section says where and as whom.
        descriptors: that they inherit, such as the one that ``option_file`` leads to.
        is_halted: asked about twice a second; True ends them.
    """

    program: Program
    option_file: str
    descriptors: tuple[int, ...]
    is_halted: Callable[[], bool]

    def start(self, *, goes_on: bool = False) -> Client:
        """Start one, which may go on after a statement that fails. Raises BackupError: it can't be started."""
        return Client(self, goes_on=goes_on)


class Client:
    """A running client. Leaving the context without `finish` kills it: what it has not read is not carried out."""

    def __init__(self, clients: Clients, *, goes_on: bool) -> None:
        path = clients.program.path
        command = [
            path,
            f"--defaults-file={clients.option_file}",
            "--batch",
            "--binary-mode",  # bodies of routines may hold \r\n; and nothing in a dump is a command to the client
            "--max-allowed-packet=1G",
            "--default-character-set=utf8mb4",
            *(["--force"] if goes_on else []),
        ]
        environment = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        try:
            self._process = subprocess.Popen(
                [*dying_with_us(), *command],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env={**environment, "LC_ALL": "C"},
                pass_fds=clients.descriptors,
                start_new_session=True,
                bufsize=0,
            )
        except OSError as exc:
            raise BackupError(f"{path} can't be run: {exc.strerror}", hint="is it installed?") from exc
        if self._process.stdin is None or self._process.stderr is None:  # never: both are pipes
            raise BackupError(f"{path} has no input")
        self._is_halted = clients.is_halted
        self._in, self._said = self._process.stdin, self._process.stderr
        self._words = b""
        self._has_said_all = False
        self._poll = select.poll()
        for pipe in (self._in, self._said):
            os.set_blocking(pipe.fileno(), False)
        self._poll.register(self._in, select.POLLOUT)
        self._poll.register(self._said, select.POLLIN)
        with suppress(OSError):  # of the user's many pipes; then it stays at 64 KiB
            fcntl.fcntl(self._in, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Before its input is closed: at an end amid a statement it would carry out what there is of it.
        if self._process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._in.close()
        self._said.close()

    @property
    def pid(self) -> int:
        """Of the client, which leads its group."""
        return self._process.pid

    def write(self, block: bytes) -> None:
        """Give it SQL, as fast as the server takes it.

        Raises:
            ClientFailed: it has ended.
            BackupError: the restore was ended.
        """
        rest = memoryview(block)
        while rest:
            ready = self._wait()
            if self._in.fileno() not in ready:
                continue
            try:
                rest = rest[os.write(self._in.fileno(), rest) :]
            except BlockingIOError:
                continue
            except BrokenPipeError:
                raise self._failed() from None

    def finish(self) -> None:
        """Tell it that this was all, and wait until the server has carried it out. Raises as `write`."""
        self._poll.unregister(self._in)
        self._in.close()
        while self._process.poll() is None:
            self._wait()  # it keeps its stderr open until it ends
            if self._has_said_all:
                self._process.wait()
        if self._process.returncode != 0:
            raise self._failed()

    def _wait(self) -> set[int]:
        if self._is_halted():
            raise BackupError("the restore was ended", hint="--resume goes on with what is left")
        ready = {descriptor for descriptor, _ in self._poll.poll(_LOOK_UP_EVERY_S * 1000)}
        if self._said.fileno() in ready:
            self._hear()
        return ready

    def _hear(self) -> None:
        with suppress(BlockingIOError):
            while not self._has_said_all:
                words = os.read(self._said.fileno(), 1 << 16)
                self._words = (self._words + words)[-_MOST_WORDS_BYTES:]
                if not words:
                    self._has_said_all = True
                    self._poll.unregister(self._said)

    def words(self) -> str:
        """The end of what it said so far; see `told`."""
        self._hear()
        return told(self._words)

    def _failed(self) -> ClientFailed:
        self._process.wait()
        return ClientFailed(self.words() or f"it ended with {self._process.returncode} and said nothing")
