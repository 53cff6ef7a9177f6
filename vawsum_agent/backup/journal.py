"""What jobs of this capability do and did on this host: one at a time, told on disk so that the daemon can show it.

    state_dir/backup/lock           held while a job runs; the kernel gives it back when the process ends, however
    state_dir/backup/running.json   what the job is doing; left behind by one that was killed
    state_dir/backup/history.json   how the last ones ended, the latest last

Only the holder of the lock writes; anybody may read.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, TypeVar

import msgspec

from vawsum_agent.core.durable import sync_directory, write_durably
from vawsum_agent.core.errors import BusyError, StateError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Kind = Literal["backup", "drill", "restore", "verify"]

_MOST_OUTCOMES = 200
_MODE = 0o640


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """A job that began.

    Attributes:
        backup_id: which backup it makes or reads; empty before it is known.
        server: the name of the data.
        started_at: seconds since the epoch.
        slot: the moment of the schedule that it runs for; None by hand.
        phase: in a word or two, such as ``dumping``.
        done_bytes, total_bytes: of the phase; None where nobody can know.
    """

    kind: Kind
    pid: int
    started_at: float
    server: str = ""
    backup_id: str = ""
    slot: float | None = None
    phase: str = ""
    done_bytes: int = 0
    total_bytes: int | None = None


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How a job ended. Times are seconds since the epoch.

    Attributes:
        slot: the moment of the schedule that it ran for; None by hand.
        is_skipped: another host of the same data had done it.
        is_halted: it was told to end, by its daemon or by whoever watched: no failure, and no success.
        is_verified: of a backup: it was read back.
        error, hint: empty when it succeeded.
        flags: of the backup, see `Manifest.flags`.
        restore_s: of a drill: from nothing to a server that answers with all of it.
    """

    kind: Kind
    started_at: float
    ended_at: float
    is_ok: bool
    server: str = ""
    backup_id: str = ""
    slot: float | None = None
    is_skipped: bool = False
    is_halted: bool = False
    is_verified: bool = False
    error: str = ""
    hint: str = ""
    flags: list[str] = []
    size_bytes: int = 0
    raw_bytes: int = 0
    restore_s: float | None = None


_T = TypeVar("_T")


class Journal:
    """The folder of these files.

    Args:
        state_dir: of the agent; the folder is made in it.
    """

    def __init__(self, state_dir: Path) -> None:
        self.folder = state_dir / "backup"
        self._running = self.folder / "running.json"
        self._history = self.folder / "history.json"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock.

        Raises:
            BusyError: another job runs.
            StateError: the folder can't be written.
        """
        try:
            self.folder.mkdir(mode=0o750, parents=True, exist_ok=True)
            descriptor = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _MODE)
        except OSError as exc:
            message = f"{self.folder} can't be written: {exc.strerror}"
            raise StateError(message, hint="run it as the user the daemon runs as, or as root") from exc
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise self._busy() from None
            yield
        finally:
            os.close(descriptor)

    def is_locked(self) -> bool:
        """Whether a job runs, of whatever process."""
        try:
            descriptor = os.open(self.folder / "lock", os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    def running(self) -> Running | None:
        """Tell of the job that runs, or that was killed: `is_locked` tells which. None without one."""
        return self._read(self._running, Running)

    def write_running(self, running: Running, *, durably: bool = True) -> None:
        """Note what a job is doing; ``durably`` where a crash must find it. Raises StateError."""
        content = msgspec.json.encode(running)
        if durably:
            self._write(self._running, content)
            return
        temporary = self._running.with_suffix(".tmp")
        try:
            temporary.touch(_MODE)
            temporary.write_bytes(content)
            temporary.replace(self._running)
        except OSError as exc:
            raise _unwritable(self._running, exc) from exc

    def write_outcome(self, outcome: Outcome) -> None:
        """Note how the job ended, which ends it. Raises StateError."""
        outcomes = [*self.outcomes(), outcome][-_MOST_OUTCOMES:]
        self._write(self._history, msgspec.json.encode(outcomes))
        # If we die here, the job is in both: it ended, and the next start takes it for killed and cleans up nothing.
        self.forget_running()

    def forget_running(self) -> None:
        """Take the note of a job away. Raises StateError."""
        try:
            self._running.unlink(missing_ok=True)
            sync_directory(self.folder)
        except OSError as exc:
            raise _unwritable(self._running, exc) from exc

    def outcomes(self) -> list[Outcome]:
        """How the last jobs ended, the latest last. A file that can't be read tells of none."""
        return self._read(self._history, list[Outcome]) or []

    def _write(self, path: Path, content: bytes) -> None:
        try:
            write_durably(path, content, mode=_MODE)
        except OSError as exc:
            raise _unwritable(path, exc) from exc

    def _read(self, path: Path, kind: type[_T]) -> _T | None:
        try:
            return msgspec.json.decode(path.read_bytes(), type=kind)
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            return None

    def _busy(self) -> BusyError:
        running = self.running()
        what = f"a {running.kind} of process {running.pid}" if running is not None else "another job"
        return BusyError(f"{what} holds {self.folder / 'lock'}", hint="wait for it, or see `vawsum-agent status`")


def _unwritable(path: Path, error: OSError) -> StateError:
    return StateError(f"{path} can't be written: {error.strerror}", hint="free some space, or see who owns it")
