"""Users, roles and grants: created before the data, whose definers they are; given their rights when tables exist.

What is about single routines can only be given after these; so rights are given twice, before the views and in the end.

Those of the account that restores are left out: to set its password to what it was would lock us out amid the work, and
on a new server whoever made it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.backup.restore.client import ClientFailed
from vawsum_agent.backup.restore.words import hint_of
from vawsum_agent.backup.server.grants_file import HEAD, Account, read_grants_file
from vawsum_agent.core.errors import BackupError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vawsum_agent.backup.restore.client import Clients
    from vawsum_agent.backup.restore.source import Source


class Accounts:
    """Those of one backup.

    Args:
        source: of the grants.
        clients: of the server.
        account: ``user@host`` as whom they work.
        is_logged: the server may write it to its binary log.

    Attributes:
        has_own: the backup has that account, too.
    """

    def __init__(self, source: Source, clients: Clients, account: str, *, is_logged: bool) -> None:
        self._clients = clients
        self._head = ("SET SESSION sql_log_bin = 0", *HEAD)[is_logged:]
        all_accounts = read_grants_file(b"".join(source.whole_sql()))
        self._others = others(all_accounts, account)
        self.has_own = len(self._others) < len(all_accounts)

    def create(self) -> None:
        """Create those that are missing, and make all what they were. Safe to repeat.

        Raises:
            BackupError: the server does not do it.
        """
        sql = sql_of(self._head, self._others, ("creation",))
        try:
            with self._clients.start() as client:
                client.write(sql)
                client.finish()
        except ClientFailed as failed:
            hint = f"{hint_of(failed.words)}, or leave accounts out: --no-grants"
            raise BackupError(f"accounts: {failed.words}", hint=hint) from None

    def grant(self) -> str:
        """Give them their rights. Safe to repeat.

        Returns:
            What the server does not know, such as a table of a database that is not backed up; else empty.

        Raises:
            BackupError: the server is gone.
        """
        try:
            with self._clients.start(goes_on=True) as client:
                client.write(sql_of(self._head, self._others, ("grants", "defaults")))
                client.finish()
                return client.words()
        except ClientFailed as failed:
            raise BackupError(f"grants: {failed.words}", hint=hint_of(failed.words)) from None


def others(accounts: Sequence[Account], account: str) -> list[Account]:
    """Leave one out, ``user@host``. Pure."""
    user, _, host = account.rpartition("@")
    return [one for one in accounts if (one.user, one.host) != (user, host)]


def sql_of(head: Sequence[str], accounts: Sequence[Account], parts: Sequence[str]) -> bytes:
    """Write statements of accounts, by their parts. Pure."""
    statements = [*head, *(statement for part in parts for one in accounts for statement in one.part(part))]
    return "".join(f"{statement};\n" for statement in statements).encode()
