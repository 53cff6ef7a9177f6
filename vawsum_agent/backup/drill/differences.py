"""What a restored server has, against what the manifest says the backup holds. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from vawsum_agent.backup.manifest import Database, Manifest

Table = tuple[str, str]
"""Database and name."""

_KINDS = ("views", "routines", "triggers", "events")


@dataclass(frozen=True, slots=True)
class Answers:
    """What a server said.

    Attributes:
        rows: of each table that could be counted.
        faults: what CHECK TABLE complained of, and what could not be asked; a sentence each.
        databases: with what is in them besides tables.
        accounts: users and roles that the server did not have before.
    """

    rows: Mapping[Table, int]
    faults: tuple[str, ...] = ()
    databases: Sequence[Database] = ()
    accounts: int = 0


def differences(manifest: Manifest, answers: Answers) -> list[str]:
    """Name all that is not as the manifest says; empty when the restore is proven."""
    return [*answers.faults, *_rows(manifest, answers), *_databases(manifest, answers), *_accounts(manifest, answers)]


def _rows(manifest: Manifest, answers: Answers) -> Iterator[str]:
    expected = {(frame.database, frame.name): frame.rows for frame in manifest.tables()}
    for table, rows in expected.items():
        found = answers.rows.get(table)
        if found is None:
            yield f"table {written(table)} is missing"
        elif rows is not None and found != rows:
            yield f"table {written(table)} has {found:,} rows, and {rows:,} were dumped"
    for table in sorted(set(answers.rows) - set(expected)):
        yield f"table {written(table)} is in no manifest"


def _databases(manifest: Manifest, answers: Answers) -> Iterator[str]:
    by_name = {database.name: database for database in answers.databases}
    for database in manifest.databases:
        found = by_name.get(database.name)
        if found is None:
            yield f"database {database.name} is missing"
            continue
        for kind in _KINDS:
            expected, there = getattr(database, kind), getattr(found, kind)
            if there != expected:
                yield f"database {database.name} has {there:,} {kind}, and {expected:,} were dumped"


def _accounts(manifest: Manifest, answers: Answers) -> Iterator[str]:
    if answers.accounts != manifest.account_count:
        yield f"{answers.accounts:,} users and roles are there, and {manifest.account_count:,} were dumped"


def written(table: Table) -> str:
    """Write it for people."""
    return ".".join(table)
