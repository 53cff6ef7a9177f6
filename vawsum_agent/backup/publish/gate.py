"""Whether a dump may become a backup. Pure.

One witness is not enough: a dump that was killed leaves a compressed file that is whole, a connection that the server
cut leaves SQL that ends after a statement, and either restores without an error, with half of the rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vawsum_agent.core.units import counted

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

Table = tuple[str, str]
"""Database and name."""

_NAMED = 3
_MANY_ROWS = 10_000


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was seen of a dump.

    Attributes:
        exit_code: of the dump program; negative: the signal that ended it.
        has_trailer: its last line says that it is complete.
        rows: of each table that was in the stream.
        unfinished: tables whose data had no end.
        dataless: tables that hold rows, of which the stream has the definition alone, as an option of the dump program
            (``no-data``, ``ignore-table-data``) in the option file makes it.
        is_head_whole: the stream began as a dump does.
    """

    exit_code: int
    has_trailer: bool
    rows: Mapping[Table, int]
    unfinished: Collection[Table] = ()
    dataless: Collection[Table] = ()
    is_head_whole: bool = True


def refusals(evidence: Evidence, expected: Collection[Table]) -> list[str]:
    """Say what speaks against it, the weightiest first; nothing when it is whole.

    Args:
        evidence: of the dump.
        expected: tables that were there before it began and still are.
    """
    found = []
    if evidence.exit_code < 0:
        found.append(f"the dump program was ended by signal {-evidence.exit_code}")
    elif evidence.exit_code:
        found.append(f"the dump program failed (exit code {evidence.exit_code})")
    if not evidence.is_head_whole:
        found.append("what the dump program wrote is no dump")
    if not evidence.has_trailer:
        found.append("the dump has no end: its last line does not say that it is complete")
    if evidence.unfinished:
        found.append(f"the rows of {_named(evidence.unfinished)} have no end")
    if evidence.dataless:
        found.append(f"the dump leaves out the rows of {_named(evidence.dataless)}: does the option file say so?")
    missing = [table for table in expected if table not in evidence.rows]
    if missing:
        found.append(f"{counted(len(missing), 'table')} not in the dump: {_named(missing)}")
    return found


def doubts(rows: Mapping[Table, int], estimates: Mapping[Table, int]) -> list[str]:
    """Say what is odd about the rows, a sentence each: the server's estimates err, but not from none to many.

    Args:
        rows: of each table, counted in the stream.
        estimates: what the server thought before.
    """
    empty = [table for table, estimate in estimates.items() if estimate > _MANY_ROWS and rows.get(table) == 0]
    return [f"no rows in {_named(empty)}, where the server thought there are many"] if empty else []


def _named(tables: Collection[Table]) -> str:
    shown = [f"{database}.{table}" for database, table in sorted(tables)[:_NAMED]]
    return ", ".join(shown) + (", …" if len(tables) > _NAMED else "")
