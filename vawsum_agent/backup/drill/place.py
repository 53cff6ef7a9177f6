"""The folder of a scratch server, and what a killed drill left of one.

    {directory}/scratch-XXXXXXXX/     0700; all that the server reads and writes
        note.json                     which drill made it, and where its socket lies
        data/ tmp/ files/ server.sock error.log client.cnf init.sql keys.txt

A drill is known by pid and start time, a server by its data directory, which is an argument of it: a pid that the
kernel gave to somebody else meanwhile is left alone.
"""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from vawsum_agent.core.durable import write_durably
from vawsum_agent.core.errors import BackupError

if TYPE_CHECKING:
    from vawsum_agent.config.model import BackupConfig

_PREFIX = "scratch-"
_SOCKET_PREFIX = "vawsum-drill-"
_NOTE = "note.json"
_LONGEST_SOCKET = 107
"""Bytes of the path of a unix socket (unix(7): sun_path, with its NUL)."""

_START_TIME = 19  # proc_pid_stat(5), field 22, counted behind the name
_KILLED_WITHIN_S = 30.0
_LOOK_UP_EVERY_S = 0.05


class Process(msgspec.Struct, frozen=True):
    """A process of this boot; ``started`` in clock ticks since then."""

    pid: int
    started: int


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """Whose the folder is.

    Attributes:
        boot_id: of the kernel; after a reboot no process of it lives.
        drill: the process that made it.
        socket_folder: outside the folder, where the socket's path would be too long in it; else empty.
        is_kept: it stays when the drill ends.
    """

    boot_id: str
    drill: Process
    socket_folder: str = ""
    is_kept: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """A folder of one scratch server."""

    folder: Path
    socket: Path

    @property
    def socket_folder(self) -> str:
        """Where the socket lies, when that is elsewhere; else empty."""
        return "" if self.socket.parent == self.folder else str(self.socket.parent)

    def write_note(self, *, is_kept: bool) -> None:
        """Write down whose it is. Raises OSError."""
        note = Note(
            boot_id=_boot_id(),
            drill=Process(os.getpid(), started(os.getpid()) or 0),
            socket_folder=self.socket_folder,
            is_kept=is_kept,
        )
        write_durably(self.folder / _NOTE, msgspec.json.encode(note), mode=0o600)

    def remove(self) -> None:
        """Remove all of it. Raises OSError."""
        if self.socket_folder:
            shutil.rmtree(self.socket_folder, ignore_errors=True)
        shutil.rmtree(self.folder)


def directory_of(backup: BackupConfig, state_dir: str) -> Path:
    """Tell where scratch servers live on this host."""
    return Path(backup.drill.directory if backup.drill and backup.drill.directory else f"{state_dir}/drill")


def make(directory: Path, short: Path, *, is_kept: bool = False) -> Place:
    """Make the folder of a new scratch server.

    Args:
        directory: of all of them; made where it is not there, closed to others.
        short: a folder with a short name, for a socket whose path would be too long in its own.
        is_kept: it is to stay when the drill ends, until the next one.

    Raises:
        BackupError: it can't be made, or belongs to somebody else.
    """
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        _check_owner(directory)
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=directory))
        # If we die before the note is written, the folder is empty and the next drill removes it as it is.
        place = Place(folder, _socket(folder, short))
        place.write_note(is_kept=is_kept)
    except OSError as exc:
        message = f"no folder for a scratch server can be made in {directory}: {exc.strerror}"
        hint = "set backup.drill.directory to a folder of the user the daemon runs as"
        raise BackupError(message, hint=hint) from exc
    return place


def _check_owner(directory: Path) -> None:
    """Whoever owns the folder could put another one in the place of ours."""
    owner = directory.stat().st_uid
    if owner not in {0, os.geteuid()}:
        message = f"{directory} belongs to user {owner}, and this process runs as user {os.geteuid()}"
        raise BackupError(message, hint="set backup.drill.directory to a folder of the user the daemon runs as")


def _socket(folder: Path, short: Path) -> Path:
    own = folder / "server.sock"
    if len(os.fsencode(own)) <= _LONGEST_SOCKET:
        return own
    there = short if os.access(short, os.W_OK | os.X_OK) else Path(tempfile.gettempdir())
    return Path(tempfile.mkdtemp(prefix=_SOCKET_PREFIX, dir=there)) / "server.sock"


def sweep(directory: Path) -> int:
    """End and remove what earlier drills left: killed ones, and those that were kept. Tells how many.

    Call it while the journal's lock is held: no other drill of this host is under way then.

    Raises:
        BackupError: something can't be removed.
    """
    count = 0
    for folder in sorted(directory.glob(f"{_PREFIX}*")):
        if folder.is_symlink() or not folder.is_dir() or folder.stat().st_uid != os.geteuid():
            continue
        try:
            note = msgspec.json.decode((folder / _NOTE).read_bytes(), type=Note)
        except (OSError, msgspec.MsgspecError):
            note = None
        if note is not None and not note.is_kept and _lives(note):
            continue  # a drill of another agent with the same directory
        _end_servers(folder)
        try:
            Place(folder, _socket_of(folder, note)).remove()
        except OSError as exc:
            message = f"{folder}, left by an earlier drill, can't be removed: {exc.strerror}"
            raise BackupError(message, hint=f"remove it as root: rm -r {folder}") from exc
        count += 1
    return count


def _socket_of(folder: Path, note: Note | None) -> Path:
    elsewhere = Path(note.socket_folder) if note is not None and note.socket_folder else None
    if elsewhere is not None and elsewhere.name.startswith(_SOCKET_PREFIX):
        return elsewhere / "server.sock"
    return folder / "server.sock"


def started(pid: int) -> int | None:
    """When a process started, in ticks since boot; None where there is none, or it is dead and not yet collected."""
    try:
        content = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = content.rpartition(")")[2].split()
    return None if fields[0] in {"Z", "X"} else int(fields[_START_TIME])


def _lives(note: Note) -> bool:
    return note.boot_id == _boot_id() and started(note.drill.pid) == note.drill.started


def servers_of(folder: Path) -> list[int]:
    """Find the processes of this user that were started with the data directory in a folder."""
    wanted = f"--datadir={folder / 'data'}".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it ended meanwhile
            is_ours = process.stat().st_uid == os.geteuid()
            if is_ours and wanted in (process / "cmdline").read_bytes().split(b"\0"):
                found.append(int(process.name))
    return found


def _end_servers(folder: Path) -> None:
    """Kill what works in a folder; what is in it is thrown away anyway."""
    ends_at = time.monotonic() + _KILLED_WITHIN_S
    while (pids := [pid for pid in servers_of(folder) if started(pid)]) and time.monotonic() < ends_at:
        for pid in pids:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(_LOOK_UP_EVERY_S)


def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
