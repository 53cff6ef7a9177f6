"""What the private servers share: a directory, a free port, a child process that is started, awaited and stopped."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import TracebackType

WEB_USER = "www-data"
"""Whom Apache and PHP-FPM become when root starts them; both refuse to serve as root."""

_ASK_AGAIN_S = 1.5


class ServerError(RuntimeError):
    """A server did not start, or a command to it failed; the message ends with what it printed."""


def free_port() -> int:
    """Return a TCP port of the loopback address that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def open_directory(prefix: str) -> Iterator[Path]:
    """Make a temporary directory that other users can enter, and remove it with all that is in it afterwards.

    ``/tmp`` rather than pytest's ``tmp_path``: the latter is closed to the web user, and its names are too long
    for a unix socket (108 bytes).
    """
    path = Path(tempfile.mkdtemp(prefix=prefix))
    path.chmod(0o755)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def writable_by(user: str, *paths: Path) -> None:
    """Make directories, and when we are root hand them to ``user``."""
    for path in paths:
        path.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            account = pwd.getpwnam(user)
            os.chown(path, account.pw_uid, account.pw_gid)


def is_listening(address: int | Path) -> bool:
    """Whether something accepts connections on a loopback port or a unix socket."""
    family = socket.AF_UNIX if isinstance(address, Path) else socket.AF_INET
    with socket.socket(family) as probe:
        probe.settimeout(1.0)
        target = str(address) if isinstance(address, Path) else ("127.0.0.1", address)
        return probe.connect_ex(target) == 0


class Server:
    """One foreground child process with its own directory.

    Subclasses write their configuration and give the command. ``start`` returns when the server answers and
    raises `ServerError` when it doesn't; ``stop`` can be called any number of times.

    Attributes:
        directory: where all it writes is.
        output: what it printed.
        variables: environment variables to set for it, such as ``TZ``; before ``start``.
    """

    start_timeout_s = 30.0
    stop_timeout_s = 15.0
    stop_signal = signal.SIGTERM

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.output = directory / "output.txt"
        self.variables: dict[str, str] = {}
        self._process: subprocess.Popen[bytes] | None = None

    def command(self) -> Sequence[str]:
        """Return the argument vector that runs the server in the foreground."""
        raise NotImplementedError

    def prepare(self) -> None:
        """Write what the server needs before it starts."""

    def is_ready(self) -> bool:
        """Whether the server answers."""
        raise NotImplementedError

    @property
    def pid(self) -> int:
        """The process id of the running server."""
        if self._process is None:
            msg = f"{type(self).__name__} is not running"
            raise ServerError(msg)
        return self._process.pid

    def start(self) -> None:
        """Prepare, start, and wait until the server answers."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self.prepare()
        with self.output.open("ab") as output:
            # A session of its own: Ctrl-C in the demo reaches us first, and we stop the servers in order.
            self._process = subprocess.Popen(
                self.command(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **self.variables},
                start_new_session=True,
            )
        try:
            self._await_ready(self._process)
        except BaseException:
            # Ctrl-C too: nobody else knows of a server that is not entered yet.
            self.stop()
            raise

    def stop(self) -> None:
        """Ask the server to end, then force it."""
        process, self._process = self._process, None
        if process is None:
            return
        # Apache forgets a SIGTERM that meets it amid a graceful restart: ask again.
        for _ in range(round(self.stop_timeout_s / _ASK_AGAIN_S)):
            if process.poll() is None:
                process.send_signal(self.stop_signal)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(_ASK_AGAIN_S)
        process.kill()
        process.wait()
        # Workers live in the session we made for the server: none may outlive a parent that was killed.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the server's main process."""
        os.kill(self.pid, number)

    def signal_all(self, number: int) -> None:
        """Send a signal to the server and its workers, which live in the session we made for it."""
        os.killpg(self.pid, number)

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    def _await_ready(self, process: subprocess.Popen[bytes]) -> None:
        if not wait_until(lambda: process.poll() is not None or self.is_ready(), self.start_timeout_s):
            self._fail(f"did not answer within {self.start_timeout_s:.0f} s")
        if process.poll() is not None:
            self._fail(f"exited with {process.returncode}")

    def _fail(self, what: str) -> None:
        printed = self.output.read_text(errors="replace")[-2000:]
        msg = f"{self.command()[0]} {what}; it printed: {printed.strip() or 'nothing'}"
        raise ServerError(msg)


def wait_until(condition: Callable[[], bool], timeout_s: float, *, pause_s: float = 0.05) -> bool:
    """Wait until ``condition()`` holds; say whether it did within the time."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(pause_s)
    return True


def run(*command: str, stdin: bytes = b"", timeout_s: float = 60.0) -> bytes:
    """Run a command to its end and return its stdout; a failure raises `ServerError` with what it printed."""
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    ) as process:
        try:
            said, complained = process.communicate(stdin, timeout_s)
        except BaseException:
            # What it started goes with it: an installer runs a server of its own.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise
    if process.returncode:
        printed = (complained or said).decode(errors="replace")[-2000:].strip()
        msg = f"{command[0]} exited with {process.returncode}: {printed}"
        raise ServerError(msg)
    return said
