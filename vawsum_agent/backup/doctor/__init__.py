"""What will go wrong with the backups, found without a running daemon; every finding has a remedy.

option_file  whose it is, and whom it is closed to
server       whether the server answers and shows all; the client programs; views and engines that make trouble
grants       what the account may not do; views: which views a dump fails at
aws          the bucket: there, in this region, versioned; what follows asks it, too
rights       which calls are allowed
lifecycle    whether the bucket removes what may go, and nothing else (pure); scope: what a rule is about
age          how old the newest backup is (pure)
drill        whether the next drill can be held; unit: the memory that it would have

`checks` runs all but `aws.aws`, which needs the SDK.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.backup.doctor.option_file import option_file
from vawsum_agent.backup.doctor.server import server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vawsum_agent.config.model import BackupConfig
    from vawsum_agent.core.finding import Finding

__all__ = ["access", "checks"]


def checks(backup: BackupConfig, state_dir: str) -> Iterator[Finding]:
    """Check what can be checked on this host: all that ``doctor`` runs. Takes seconds where a server hangs."""
    yield from access(backup, state_dir)


def access(backup: BackupConfig, state_dir: str) -> Iterator[Finding]:
    """Check whether the server is there and lets itself be dumped: what ``check-config --online`` runs."""
    yield from option_file(backup.defaults_file, state_dir)
    yield from server(backup)
