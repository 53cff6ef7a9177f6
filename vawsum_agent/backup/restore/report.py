"""What the server has after a restore, against what the manifest says the backup holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vawsum_agent.backup.restore.plan import databases_of
from vawsum_agent.backup.server.facts import read_server
from vawsum_agent.core.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vawsum_agent.backup.manifest import Database, Manifest
    from vawsum_agent.backup.restore.counts import Counts
    from vawsum_agent.backup.restore.plan import Plan

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
    """

    rows: tuple[Row, ...]
    databases: tuple[Database, ...]
    differences: tuple[str, ...]


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
    names = [database.name for database in expected]
    server = read_server(option_file, names, limit_s=_LIMIT_S) if names else None
    present = {(table.database, table.name) for table in server.tables} if server is not None else None
    counts.lost(plan.tables)
    rows = [
        Row(frame.database, frame.name, frame.rows, counts.of(frame), frame.is_in_snapshot) for frame in plan.tables
    ]
    rows.sort(key=lambda row: (row.database, row.name))
    found = server.databases if server is not None else []
    return Report(tuple(rows), tuple(found), tuple(differences(rows, expected, found, present)))


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
            if was != has:
                yield f"database {name} has {has:,} {kind}, and {was:,} were dumped"
