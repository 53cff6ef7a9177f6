"""What of a restore is done, on disk: a restore that was broken off goes on where it was.

    state_dir/backup/restore-<backup_id>-<digest of server, selection and target>.json

A line of JSON that says which restore it is, then one for each step or table that is done. It is there from the first
step to the last: while it is, no backup of that server is made. Only the holder of the journal's lock writes.
"""

from __future__ import annotations

import hashlib
import os
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from vawsum_agent.backup.names import BackupName
from vawsum_agent.backup.restore.plan import Selection
from vawsum_agent.core.durable import write_durably
from vawsum_agent.core.errors import StateError

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from vawsum_agent.backup.manifest import Frame

_MODE = 0o640
_VERSION = 1


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """Which restore it is: the first line.

    Attributes:
        etag: of the dump that is restored.
        target: the server that is written to, for people.
        identity: of that server: words that no other one has. Empty: only the file's name knows.
        started_at: seconds since the epoch.
    """

    version: int = _VERSION
    server: str
    backup_id: str
    etag: str
    selection: str
    target: str
    identity: str = ""
    started_at: float


@dataclass(frozen=True, slots=True)
class Earlier:
    """What a run that was broken off has left."""

    record: Record
    steps: set[str] = field(default_factory=set)
    tables: set[tuple[str, str]] = field(default_factory=set)


def records(folder: Path) -> list[tuple[Path, Record]]:
    """List the restores that are not done, the one that was begun last first. What can't be read is left out.

    Args:
        folder: of the journal.
    """
    found = []
    for path in folder.glob("restore-*.json"):
        try:
            record = _record(path.read_bytes())
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            continue
        if record.version == _VERSION:
            found.append((path, record))
    return sorted(found, key=lambda row: row[1].started_at, reverse=True)


def into(folder: Path, identity: str) -> list[tuple[Path, Record]]:
    """List those of `records` by which one server is written to.

    Args:
        folder: of the journal.
        identity: of the server, by words that no other one has.
    """
    return [(path, record) for path, record in records(folder) if _is_into(path, record, identity)]


def _is_into(path: Path, record: Record, identity: str) -> bool:
    if record.identity:
        return record.identity == identity
    name = BackupName(record.server, record.backup_id)
    return Progress(path.parent, name, Selection(), identity).path == path


class Progress:
    """One restore's file. Threads may note side by side.

    Args:
        folder: of the journal.
        name: of the backup.
        selection: what is restored of it.
        target: which server, by words that no other one has.
    """

    def __init__(self, folder: Path, name: BackupName, selection: Selection, target: str) -> None:
        told = f"{name.server}\0{name.backup_id}\0{selection.database}\0{selection.table}\0{target}"
        digest = hashlib.sha256(told.encode()).hexdigest()[:16]
        self.path = folder / f"restore-{name.backup_id}-{digest}.json"
        self._server = name.server
        self._selection = selection
        self._target = target
        self._lock = threading.Lock()
        self._steps: set[str] = set()
        self._tables: set[tuple[str, str]] = set()

    @property
    def table_count(self) -> int:
        """How many tables are done."""
        return len(self._tables)

    def earlier(self) -> Earlier | None:
        """Tell of a run that was broken off; None without one, or one that can't be read."""
        try:
            content = self.path.read_bytes()
            found = Earlier(_record(content))
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            return None
        if found.record.version != _VERSION:
            return None
        for line in content.split(b"\n")[1:-1]:  # what follows the last newline was cut off by a crash
            match msgspec.json.decode(line):
                case ["table", str(database), str(name)]:
                    found.tables.add((database, name))
                case ["step", str(step)]:
                    found.steps.add(step)
        return found

    def begin(self, record: Record) -> None:
        """Begin from nothing. Raises StateError."""
        self._steps, self._tables = set(), set()
        self._write(record)

    def go_on(self, earlier: Earlier, present: Collection[tuple[str, str]]) -> None:
        """Go on with what an earlier run has left.

        Args:
            earlier: what it has done.
            present: the tables that the server has: what is not there is done again.

        Raises:
            StateError: the folder can't be written.
        """
        self._steps = set(earlier.steps)
        self._tables = {table for table in earlier.tables if table in present}
        self._write(earlier.record)

    def has(self, step: str, frame: Frame | None = None) -> bool:
        """See `Done.has`."""
        return step in self._steps if frame is None else (frame.database, frame.name) in self._tables

    def add(self, step: str, frame: Frame | None = None) -> None:
        """See `Done.add`."""
        with self._lock:
            if frame is None:
                self._steps.add(step)
                self._append(_line("step", step))
            else:
                self._tables.add((frame.database, frame.name))
                self._append(_line("table", frame.database, frame.name))

    def end(self) -> None:
        """All is done: nothing is left to go on with, also of restores of the same out of another backup.

        Raises:
            StateError: the folder can't be written.
        """
        replaced = [path for path, record in into(self.path.parent, self._target) if self._replaces(record)]
        try:
            for path in (*replaced, self.path):
                path.unlink(missing_ok=True)
        except OSError as exc:
            raise self._unwritable(exc) from exc

    def _replaces(self, record: Record) -> bool:
        is_within = self._selection.is_whole or record.selection == str(self._selection)
        return is_within and record.server == self._server

    def _append(self, line: bytes) -> None:
        try:
            with self.path.open("ab") as file:
                file.write(line)
                file.flush()
                # If we die before, what was done is done once more.
                os.fsync(file.fileno())
        except OSError as exc:
            raise self._unwritable(exc) from exc

    def _write(self, record: Record) -> None:
        lines = [
            msgspec.json.encode(record) + b"\n",
            *(_line("step", step) for step in self._steps),
            *(_line("table", *table) for table in self._tables),
        ]
        try:
            write_durably(self.path, b"".join(lines), mode=_MODE)
        except OSError as exc:
            raise self._unwritable(exc) from exc

    def _unwritable(self, error: OSError) -> StateError:
        return StateError(f"{self.path} can't be written: {error.strerror}", hint="free some space, or see who owns it")


def _record(content: bytes) -> Record:
    return msgspec.json.decode(content.split(b"\n", 1)[0], type=Record)


def _line(kind: str, *values: str) -> bytes:
    return msgspec.json.encode([kind, *values]) + b"\n"
