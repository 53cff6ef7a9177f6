"""All that a restored server is asked, in order: first what the RTO waits for, then what only proves more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vawsum_agent.backup.drill.differences import Answers, differences
from vawsum_agent.backup.restore.report import ended_events, substitutes
from vawsum_agent.core.errors import BackupError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vawsum_agent.backup.drill.checks import Asker
    from vawsum_agent.backup.manifest import Database, Manifest


@dataclass(frozen=True, slots=True)
class Findings:
    """What a restored server has.

    Attributes:
        restore_s: from the beginning to the last count of rows; of a restore that failed, to its failure.
        databases: with their views, routines, triggers and events.
        accounts: users and roles that came with the backup.
        problems: what is not as the manifest says; empty when the backup is proven.
        remarks: what the scratch server could not show, and what else people should know, a sentence each.
    """

    restore_s: float
    problems: tuple[str, ...]
    tables: int = 0
    rows: int = 0
    databases: Sequence[Database] = ()
    accounts: int = 0
    server_version: str = ""
    remarks: tuple[str, ...] = ()


def examine(
    manifest: Manifest, asker: Asker, elapsed_s: Callable[[], float], show: Callable[[str, int, int | None], None]
) -> Findings:
    """Count, check and compare.

    Args:
        manifest: what should be there.
        asker: asks the server.
        elapsed_s: since the beginning of the drill.
        show: told the phase.

    Raises:
        BackupError: the drill was ended by somebody.
        AgentError: the server does not answer.
    """
    show("counting rows", 0, None)
    try:
        server = asker.server()
    except BackupError as error:  # it holds nothing at all
        return Findings(elapsed_s(), (error.message,))
    tables = [(table.database, table.name) for table in sorted(server.tables, key=lambda table: -table.data_bytes)]
    rows, faults = asker.rows(tables)
    restore_s = elapsed_s()
    show("checking tables", 0, None)
    faults += asker.check([*tables, *asker.views()])
    accounts = asker.accounts()
    uncounted = set(tables) - set(rows)
    answers = Answers(rows, uncounted, tuple(faults), server.databases, accounts)
    return Findings(
        restore_s=restore_s,
        problems=tuple(differences(manifest, answers)),
        tables=len(rows),
        rows=sum(rows.values()),
        databases=server.databases,
        accounts=accounts,
        server_version=server.version,
        remarks=(
            *substitutes(manifest.tables(), server.by_name()),
            *ended_events(manifest.databases, server.databases),
        ),
    )
