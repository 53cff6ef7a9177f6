"""What the server has after a restore, against what the manifest says the backup holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vawsum_agent.backup.restore.plan import databases_of
from vawsum_agent.backup.server.facts import read_server
from vawsum_agent.core.text import printable
from vawsum_agent.core.units import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from vawsum_agent.backup.manifest import Database, Frame, Manifest
    from vawsum_agent.backup.restore.counts import Counts
    from vawsum_agent.backup.restore.plan import Plan
    from vawsum_agent.backup.server.facts import Table

_LIMIT_S = 600.0

_KINDS = ("views", "routines", "triggers", "events")


@dataclass(frozen=True, slots=True)
class Row:
    """A table.

    Attributes:
        expected: rows that were dumped; None where the dump has no data of it.
        found: rows in the server; None where they could not be counted.
        is_in_snapshot: False: its engine knows no transactions, and it may be of another moment than the others.
    """

    database: str
    name: str
    expected: int | None
    found: int | None
    is_in_snapshot: bool

    @property
    def is_same(self) -> bool:
        """As many rows as were dumped."""
        return self.found is not None and self.expected in {None, self.found}


@dataclass(frozen=True, slots=True)
class Report:
    """What there is.

    Attributes:
        rows: of each table that was restored, in order of names.
        databases: that were restored whole, as they are now.
        differences: what is not as the manifest says, a sentence each.
        remarks: what else people should know, a sentence each.
    """

    rows: tuple[Row, ...]
    databases: tuple[Database, ...]
    differences: tuple[str, ...]
    remarks: tuple[str, ...] = ()


def examine(option_file: str, manifest: Manifest, plan: Plan, counts: Counts) -> Report:
    """Compare what the server has with the manifest.

    Args:
        option_file: of the server.
        manifest: of the backup.
        plan: what was restored.
        counts: of its tables.

    Raises:
        AgentError: the server can't be asked.
    """
    expected = databases_of(manifest, plan.selection)
    names = [database.name for database in expected] or list(plan.databases)
    server = read_server(option_file, names, limit_s=_LIMIT_S) if names else None
    tables = server.by_name() if server is not None else {}
    found = server.databases if server is not None and expected else []
    counts.lost(plan.tables)
    rows = [
        Row(frame.database, frame.name, frame.rows, counts.of(frame), frame.is_in_snapshot) for frame in plan.tables
    ]
    rows.sort(key=lambda row: (row.database, row.name))
    compared = differences(rows, expected, found, set(tables) if expected else None)
    return Report(
        rows=tuple(rows),
        databases=tuple(found),
        differences=(*compared, *substitutes(plan.tables, tables)),
        remarks=tuple(ended_events(expected, found)),
    )


def differences(
    rows: Sequence[Row],
    expected: Sequence[Database],
    found: Sequence[Database],
    present: set[tuple[str, str]] | None,
) -> Iterator[str]:
    """Name all that is not as it should be. Pure.

    Args:
        rows: of the tables that were restored.
        expected: what the manifest says of databases that were restored whole.
        found: what the server says of them.
        present: all tables of theirs; None where single ones were restored.
    """
    for row in rows:
        table = printable(f"{row.database}.{row.name}")
        if present is not None and (row.database, row.name) not in present:
            yield f"table {table} is missing"
        elif row.found is None:
            yield f"table {table} can't be counted"
        elif not row.is_same:
            yield f"table {table} has {row.found:,} rows, and {row.expected:,} were dumped"
    strangers = sorted((present or set()) - {(row.database, row.name) for row in rows})
    yield from (f"table {printable('.'.join(table))} is not from this backup" for table in strangers)
    by_name = {database.name: database for database in found}
    for was_there in expected:
        there, name = by_name.get(was_there.name), printable(was_there.name)
        if there is None:
            yield f"database {name} is missing"
            continue
        for kind in _KINDS:
            was, has = getattr(was_there, kind), getattr(there, kind)
            if was != has and not (kind == "events" and _ended(was_there, there)):
                yield f"database {name} has {has:,} {kind}, and {was:,} were dumped"


def ended_events(expected: Iterable[Database], found: Iterable[Database]) -> Iterator[str]:
    """Name databases whose events are fewer because some are over by now, which no server makes anew. Pure."""
    by_name = {database.name: database for database in found}
    for was_there in expected:
        there = by_name.get(was_there.name)
        if there is not None and (count := _ended(was_there, there)):
            yield f"database {printable(was_there.name)}: {counted(count, 'event')} came to an end since the backup"


def substitutes(frames: Iterable[Frame], tables: Mapping[tuple[str, str], Table]) -> Iterator[str]:
    """Name tables whose engine the server does not have: it has made them of another one, and only warned. Pure."""
    for frame in frames:
        table = tables.get((frame.database, frame.name))
        engines = (frame.engine, table.engine if table is not None else "")
        if all(engines) and engines[0].casefold() != engines[1].casefold():
            name = printable(f"{frame.database}.{frame.name}")
            yield f"table {name} was {engines[0]}, and is {engines[1]}: the server has no such engine"


def _ended(was_there: Database, there: Database) -> int:
    """Count the events that are missing, where all that last are there; else 0."""
    is_all = was_there.lasting_events is not None and there.lasting_events == was_there.lasting_events
    return max(0, was_there.events - there.events) if is_all else 0
