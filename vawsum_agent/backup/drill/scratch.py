"""A private server that lives as long as a drill: empty, reached by one account over one socket, and thrown away.

It must be started on the main thread: the kernel ends it with the thread that started it.
"""

from __future__ import annotations

import os
import secrets
import shlex
import signal
import socket as sockets
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self

from vawsum_agent.backup.drill.options import (
    KEYS,
    first_statements,
    install_command,
    key_file,
    option_file,
    server_options,
)
from vawsum_agent.backup.tether import tethered
from vawsum_agent.core.errors import BackupError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from vawsum_agent.backup.drill.place import Place
    from vawsum_agent.backup.drill.programs import Programs

_START_LIMIT_S = 300.0
_STOP_LIMIT_S = 20.0
_LOOK_UP_EVERY_S = 0.05
_LAST_WORDS = 3
_GOES_FIRST = 1000
"""Where memory gets short: never the server that was backed up."""
_PROFILES = Path("/sys/kernel/security/apparmor/profiles")


class Scratch:
    """One scratch server. Used as a context, it is gone with all of its files afterwards; unless it is kept.

    Attributes:
        option_file: a ``[client]`` section that reaches it with all rights; mode 0600.

    Args:
        programs: to run.
        place: its folder, empty.
        pool_bytes: of InnoDB's buffer pool.
        is_kept: the server goes on when this process ends, until the next drill.
        is_halted: asked while it starts.
    """

    def __init__(
        self,
        programs: Programs,
        place: Place,
        pool_bytes: int,
        *,
        is_kept: bool = False,
        is_halted: Callable[[], bool] = lambda: False,
    ) -> None:
        self.option_file = place.folder / "client.cnf"
        self._programs = programs
        self._place = place
        self._pool_bytes = pool_bytes
        self._is_kept = is_kept
        self._is_halted = is_halted
        self._process: subprocess.Popen[bytes] | None = None
        self._deadline = 0.0

    def __enter__(self) -> Self:
        """Start it. Raises BackupError; nothing is left then, but the folder of one that was to be kept."""
        try:
            self._start()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._is_kept:
            self._end()

    @property
    def folder(self) -> Path:
        """All that belongs to it."""
        return self._place.folder

    @property
    def command(self) -> str:
        """What a person types to look into a server that was kept."""
        client = "mariadb" if self._programs.flavour == "mariadb" else "mysql"
        return f"{client} --defaults-file={shlex.quote(str(self.option_file))}"

    @property
    def pid(self) -> int:
        """Of the server, while it runs."""
        return self._process.pid if self._process is not None else 0

    def exit_code(self, within_s: float) -> int | None:
        """Tell how the server ended, for which one that was killed takes a moment; None where it still runs then."""
        if self._process is None:
            return None
        with suppress(subprocess.TimeoutExpired):
            return self._process.wait(within_s)
        return None

    def last_words(self) -> str:
        """The end of its error log, on one line; empty while there is none."""
        try:
            lines = (self._place.folder / "error.log").read_text(errors="replace").splitlines()
        except OSError:
            return ""
        told = [line for line in lines if "[ERROR]" in line] or [line for line in lines if line.strip()]
        return " | ".join(line.strip() for line in told[-_LAST_WORDS:])

    def _start(self) -> None:
        self._deadline = time.monotonic() + _START_LIMIT_S
        password = secrets.token_hex(16)
        folder, is_root = self._place.folder, os.geteuid() == 0
        try:
            for name in ("data", "tmp", "files"):
                (folder / name).mkdir(mode=0o700)
            statements = folder / "init.sql"
            _write_private(statements, first_statements(password, sockets.gethostname()))
            _write_private(self.option_file, option_file(self._place.socket, password))
            _write_private(folder / KEYS, key_file(secrets.token_hex(16)))
        except OSError as exc:
            message = f"a scratch server can't be made in {folder}: {exc.strerror}"
            raise BackupError(message, hint="free some space, or set backup.drill.directory") from exc
        self._install(install_command(self._programs, folder, is_root=is_root))
        command = server_options(
            self._programs,
            folder,
            self._place.socket,
            pool_bytes=self._pool_bytes,
            is_root=is_root,
            init_file=statements,
        )
        self._process = self._run(command, dies_with_us=not self._is_kept)
        # If we die here, the kernel ends the server; one that is kept ends with the next drill, as the folder does.
        self._wait(self._process, Path(command[0]).name, self._answers, "answer")

    def _install(self, command: list[str]) -> None:
        process = self._run(command, dies_with_us=True)
        try:
            self._wait(process, Path(command[0]).name, lambda: False, "make its system tables")
        finally:
            _end_group(process)

    def _run(self, command: list[str], *, dies_with_us: bool) -> subprocess.Popen[bytes]:
        # SIGKILL: nothing of the server is needed, and it is to be gone before the next drill.
        tied = tethered(command, end_with=signal.SIGKILL, oom_score=_GOES_FIRST, is_tied=dies_with_us)
        try:
            with (self._place.folder / "output.txt").open("ab") as output:
                return subprocess.Popen(
                    tied,
                    cwd=self._place.folder,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"},
                    start_new_session=True,  # Ctrl-C is for us, who end the server in order
                )
        except OSError as exc:
            message = f"{command[0]} can't be run: {exc}"
            raise BackupError(message, hint="install it anew, or see whether it may be executed") from exc

    def _wait(self, process: subprocess.Popen[bytes], program: str, is_done: Callable[[], bool], what: str) -> None:
        """Wait until it has done something; for an installer that is its end."""
        while not is_done():
            code = process.poll()
            if code == 0 and process is not self._process:
                return
            if code is not None:
                raise self._failure(f"{program} ended with {code}")
            if self._is_halted():
                raise BackupError("the drill was ended while its server started", hint="run it again")
            if time.monotonic() >= self._deadline:
                raise self._failure(f"{program} did not {what} within {_START_LIMIT_S:.0f} s")
            time.sleep(_LOOK_UP_EVERY_S)

    def _failure(self, what: str) -> BackupError:
        said = self.last_words() or _tail(self._place.folder / "output.txt")
        message = f"the scratch server did not start: {what}: {said or 'it said nothing'}"
        return BackupError(message, hint=_hint(self._programs.server, self._place.folder))

    def _answers(self) -> bool:
        """Whether it takes connections, which it does when our account is there."""
        with sockets.socket(sockets.AF_UNIX) as probe:
            probe.settimeout(1.0)
            return probe.connect_ex(str(self._place.socket)) == 0

    def _end(self) -> None:
        """End the server and remove its folder; both at once, since nothing of it is needed."""
        process, self._process = self._process, None
        if process is not None:
            _end_group(process)
        # If we die here, the folder is left, and the next drill removes it.
        if not self._is_kept:
            with suppress(OSError):
                self._place.remove()


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """Kill a child with all that it started."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    with suppress(subprocess.TimeoutExpired):
        process.wait(_STOP_LIMIT_S)


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def _tail(path: Path) -> str:
    try:
        lines = [line.strip() for line in path.read_text(errors="replace").splitlines() if line.strip()]
    except OSError:
        return ""
    return " | ".join(lines[-_LAST_WORDS:])


def _hint(server: str, folder: Path) -> str:
    """AppArmor's profile of a server lets it into the folders of the distribution alone (Ubuntu's MySQL)."""
    try:
        is_confined = f"{server} (enforce)" in _PROFILES.read_text()
    except OSError:
        is_confined = False
    if is_confined:
        rules = f"{folder.parent}/** rwk,"
        return f"AppArmor confines {server}: add `{rules}` to /etc/apparmor.d/local/usr.sbin.mysqld and reload it"
    return "with --keep its folder stays to be looked at"
