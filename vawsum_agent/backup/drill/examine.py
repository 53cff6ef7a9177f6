"""All that a restored server is asked, in order: first what the RTO waits for, then what only proves more."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vawsum_agent.backup.drill.differences import Answers, Contents, differences

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from vawsum_agent.backup.drill.checks import Asker
    from vawsum_agent.backup.manifest import Manifest


@dataclass(frozen=True, slots=True)
class Findings:
    """What a restored server has.

    Attributes:
        restore_s: from the beginning to the last count of rows; of a restore that failed, to its failure.
        contents: views, routines, triggers and events of each database.
        accounts: users and roles that came with the backup.
        problems: what is not as the manifest says; empty when the backup is proven.
    """

    restore_s: float
    problems: tuple[str, ...]
    tables: int = 0
    rows: int = 0
    contents: Mapping[str, Contents] = field(default_factory=dict)
    accounts: int = 0
    server_version: str = ""


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
    tables = asker.tables()
    rows, faults = asker.rows(tables)
    restore_s = elapsed_s()
    show("checking tables", 0, None)
    faults += asker.check([*tables, *asker.views()])
    databases, accounts = asker.databases(), asker.accounts()
    answers = Answers(rows, tuple(faults), databases, accounts)
    return Findings(
        restore_s=restore_s,
        problems=tuple(differences(manifest, answers)),
        tables=len(rows),
        rows=sum(rows.values()),
        contents=databases,
        accounts=accounts,
        server_version=asker.version(),
    )
