"""What a restored server has, against what the manifest says the backup holds. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vawsum_agent.backup.restore import report
from vawsum_agent.backup.restore.report import Row

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from vawsum_agent.backup.manifest import Database, Manifest

Table = tuple[str, str]
"""Database and name."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What a server said.

    Attributes:
        rows: of each table that could be counted.
        uncounted: tables that are there and could not be.
        faults: what CHECK TABLE complained of, and what could not be asked; a sentence each.
        databases: with what is in them besides tables.
        accounts: users and roles that the server did not have before.
    """

    rows: Mapping[Table, int]
    uncounted: Collection[Table] = ()
    faults: tuple[str, ...] = ()
    databases: Sequence[Database] = ()
    accounts: int = 0


def differences(manifest: Manifest, answers: Answers) -> list[str]:
    """Name all that is not as the manifest says, as after any restore; empty when it is proven."""
    # Why a table could not be counted stands among the faults.
    frames = [frame for frame in manifest.tables() if (frame.database, frame.name) not in answers.uncounted]
    rows = [
        Row(one.database, one.name, one.rows, answers.rows.get((one.database, one.name)), one.is_in_snapshot)
        for one in frames
    ]
    present = set(answers.rows)
    compared = report.differences(rows, manifest.databases, answers.databases, present)
    return [*answers.faults, *compared, *_accounts(manifest, answers)]


def _accounts(manifest: Manifest, answers: Answers) -> Iterator[str]:
    if answers.accounts != manifest.account_count:
        yield f"{answers.accounts:,} users and roles are there, and {manifest.account_count:,} were dumped"


def written(table: Table) -> str:
    """Write it for people."""
    return ".".join(table)
