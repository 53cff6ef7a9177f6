"""What a restored server has, against what the manifest says the backup holds. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from vawsum_agent.backup.manifest import Manifest

Table = tuple[str, str]
"""Database and name."""

_KINDS = ("views", "routines", "triggers", "events")


@dataclass(frozen=True, slots=True)
class Contents:
    """What a server has besides its tables, in one database."""

    views: int = 0
    routines: int = 0
    triggers: int = 0
    events: int = 0


@dataclass(frozen=True, slots=True)
class Answers:
    """What a server said.

    Attributes:
        rows: of each table that could be counted.
        faults: what CHECK TABLE complained of, and what could not be asked; a sentence each.
        accounts: users and roles that the server did not have before.
    """

    rows: Mapping[Table, int]
    faults: tuple[str, ...] = ()
    databases: Mapping[str, Contents] = field(default_factory=dict)
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
    for database in manifest.databases:
        found = answers.databases.get(database.name)
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
