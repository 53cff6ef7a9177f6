"""Which frames of a backup a restore needs, and in which order. Pure."""

from __future__ import annotations

import difflib
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING

from vawsum_agent.core.errors import UsageError
from vawsum_agent.core.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vawsum_agent.backup.manifest import Database, Frame, FrameKind, Manifest

_BEFORE: tuple[FrameKind, ...] = ("database", "sequence")
_STAND_INS: tuple[FrameKind, ...] = ("view",)
_AFTER: tuple[FrameKind, ...] = ("events", "routines", "views")


@dataclass(frozen=True, slots=True)
class Selection:
    """What of a backup is wanted.

    Attributes:
        database: only this one; empty for all.
        table: only this one of it; empty for all.
    """

    database: str = ""
    table: str = ""

    @property
    def is_whole(self) -> bool:
        """Nothing is left out."""
        return not self.database

    def __str__(self) -> str:
        if self.is_whole:
            return "everything"
        return f"table {self.database}.{self.table}" if self.table else f"database {self.database}"


@dataclass(frozen=True, slots=True)
class Plan:
    """The phases of a restore. Each frame but the head's runs once.

    Attributes:
        selection: what is restored.
        head: session settings, which every client needs first.
        before: databases and sequences, one after the other.
        tables: each by a client of its own, several at once; the largest first, so that none is left over at the end.
        after: stand-ins of views, then events, routines and the views themselves, one after the other.
    """

    selection: Selection
    head: Frame
    before: tuple[Frame, ...]
    tables: tuple[Frame, ...]
    after: tuple[Frame, ...]

    @property
    def size_bytes(self) -> int:
        """What is fetched, without the head."""
        return sum(frame.size_bytes for frame in self._frames())

    @property
    def raw_bytes(self) -> int:
        """What is loaded, without the head."""
        return sum(frame.raw_bytes for frame in self._frames())

    @property
    def databases(self) -> tuple[str, ...]:
        """Those in which anything happens, in the order of the dump."""
        return tuple(dict.fromkeys(frame.database for frame in self._frames() if frame.database))

    @property
    def names(self) -> frozenset[tuple[str, str]]:
        """Database and name of all that is dropped and made anew: tables, sequences, views."""
        return frozenset((frame.database, frame.name) for frame in self._frames() if frame.name)

    def _frames(self) -> tuple[Frame, ...]:
        return (*self.before, *self.tables, *self.after)


def selected(manifest: Manifest, database: str, table: str) -> Selection:
    """Find what is meant.

    Args:
        manifest: of the backup.
        database: a name; empty for all.
        table: ``database.table``; empty for all.

    Raises:
        UsageError: the backup does not have it; the hint names what is close.
    """
    if table:
        return _selected_table(manifest, database, table)
    names = _databases(manifest)
    if database and database not in names:
        message = f"backup {manifest.backup_id} has no database {printable(database)}"
        raise UsageError(message, hint=_close(database, names, "it has"))
    return Selection(database)


def make_plan(manifest: Manifest, selection: Selection) -> Plan:
    """Sort the frames of a selection into phases.

    Raises:
        UsageError: the backup does not have it.
    """
    wanted = [frame for frame in manifest.frames if _is_wanted(frame, selection)]
    tables = [frame for frame in wanted if frame.kind == "table"]
    head = next((frame for frame in manifest.frames if frame.kind == "head"), None)
    if head is None:
        message = f"backup {manifest.backup_id} has no session settings"
        raise UsageError(message, hint="it can't be used; take another one")
    return Plan(
        selection=selection,
        head=head,
        before=tuple(_of(wanted, _BEFORE)),
        tables=tuple(sorted(tables, key=lambda frame: -frame.raw_bytes)),
        after=(*_of(wanted, _STAND_INS), *_of(wanted, _AFTER)),
    )


def frames_in_order(manifest: Manifest, selection: Selection) -> list[Frame]:
    """Give the frames of a selection as they stand in the dump, head and tail included."""
    return [frame for frame in manifest.frames if frame.kind in {"head", "tail"} or _is_wanted(frame, selection)]


def databases_of(manifest: Manifest, selection: Selection) -> list[Database]:
    """What the manifest says of the databases that are restored whole."""
    if selection.table:
        return []
    return [row for row in manifest.databases if selection.is_whole or row.name == selection.database]


def _is_wanted(frame: Frame, selection: Selection) -> bool:
    if frame.kind in {"head", "tail"}:
        return False
    if selection.table:
        is_database = frame.kind == "database" and frame.database == selection.database  # made where it is missing
        return is_database or (frame.kind, frame.database, frame.name) == ("table", *astuple(selection))
    return selection.is_whole or frame.database == selection.database


def _of(frames: Iterable[Frame], kinds: tuple[FrameKind, ...]) -> list[Frame]:
    return [frame for frame in frames if frame.kind in kinds]


def _databases(manifest: Manifest) -> list[str]:
    named = [row.name for row in manifest.databases]
    return list(dict.fromkeys([*named, *(frame.database for frame in manifest.frames if frame.database)]))


def _selected_table(manifest: Manifest, database: str, table: str) -> Selection:
    # A name may hold a dot: what is written is compared as a whole.
    tables = {f"{frame.database}.{frame.name}": frame for frame in manifest.tables()}
    frame = tables.get(table)
    if frame is not None and database in {"", frame.database}:
        return Selection(frame.database, frame.name)
    if frame is not None:
        message = f"{printable(table)} is in database {frame.database}, not in {printable(database)}"
        raise UsageError(message, hint="leave --database out")
    message = f"backup {manifest.backup_id} has no table {printable(table)}"
    views = {f"{view.database}.{view.name}": view.database for view in manifest.frames if view.kind == "view"}
    if table in views:
        hint = f"it is a view: restore its database, --database {views[table]}"
        raise UsageError(message, hint=hint)
    alike = [name for name in tables if name.endswith(f".{table}")]
    if alike:
        raise UsageError(message, hint=f"with its database: {', '.join(map(printable, alike[:5]))}")
    raise UsageError(message, hint=_close(table, list(tables), "it has tables such as"))


def _close(name: str, names: list[str], otherwise: str) -> str:
    close = difflib.get_close_matches(name, names, n=3)
    if close:
        return f"is it {' or '.join(map(printable, close))}?"
    shown = ", ".join(map(printable, names[:5])) or "none"
    return f"{otherwise} {shown}{', …' if len(names) > 5 else ''}"  # noqa: PLR2004 - as many as are shown
