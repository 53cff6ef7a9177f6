"""Users, roles and grants: created before the data, whose definers they are; given their rights when tables exist.

What is about single routines can only be given after these; so rights are given twice, before the views and in the end.

Those of the account that restores are left out: to set its password to what it was would lock us out amid the work, and
on a new server whoever made it.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from vawsum_agent.backup.restore.client import ClientFailed
from vawsum_agent.backup.restore.words import code_of, hint_of
from vawsum_agent.backup.server import quoting
from vawsum_agent.backup.server.grants_file import HEAD, Account, read_grants_file
from vawsum_agent.core.errors import BackupError
from vawsum_agent.core.text import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vawsum_agent.backup.restore.client import Clients
    from vawsum_agent.backup.restore.source import Source
    from vawsum_agent.backup.server.facts import Flavour

_NO_PLUGIN = 1524
_FOR_POLICIES = "-aA1"
"""Plugins that check passwords want a letter of each kind, a digit and a sign."""


@dataclass(frozen=True, slots=True)
class Barred:
    """An account that logs in by a plugin of authentication which the server has not loaded.

    It is there, with all that it may, since it may be a definer. Where it is new, nobody knows its password.

    Attributes:
        name: ``user@host``.
        plugin: such as ``ed25519``.
    """

    name: str
    plugin: str

    def __str__(self) -> str:
        return printable(f"account {self.name} can't log in as it did: the server has no plugin {self.plugin}")

    def remedy(self, flavour: Flavour) -> str:
        """Tell how the plugin comes in."""
        if flavour == "mariadb":
            return printable(f"INSTALL SONAME 'auth_{self.plugin}'")
        if self.plugin == "mysql_native_password":
            return "mysql_native_password = ON in the server's configuration"
        return printable(f"INSTALL PLUGIN {self.plugin} SONAME '{self.plugin}.so'")


class Accounts:
    """Those of one backup.

    Args:
        source: of the grants.
        clients: of the server.
        account: ``user@host`` as whom they work.
        is_logged: the server may write it to its binary log.

    Attributes:
        has_own: the backup has that account, too.
        where: the address of their file.
    """

    def __init__(self, source: Source, clients: Clients, account: str, *, is_logged: bool) -> None:
        self._clients = clients
        self._head = ("SET SESSION sql_log_bin = 0", *HEAD)[is_logged:]
        all_accounts = read_grants_file(b"".join(source.whole_sql()))
        self._others = others(all_accounts, account)
        self.where = source.where
        self.has_own = len(self._others) < len(all_accounts)

    def create(self) -> list[Barred]:
        """Create those that are missing, and make all what they were. Safe to repeat.

        Returns:
            Those whose plugin the server does not have.

        Raises:
            BackupError: the server does not do it.
        """
        try:
            found = self._created(self._others)
        except ClientFailed as failed:
            hint = f"{hint_of(failed.words)}, or leave accounts out: --no-grants"
            raise BackupError(f"accounts: {failed.words}", hint=hint) from None
        names = {one.name for one in found}
        self._others = [unidentified(one) if f"{one.user}@{one.host}" in names else one for one in self._others]
        return found

    def _created(self, accounts: Sequence[Account]) -> list[Barred]:
        try:
            self._run(sql_of(self._head, accounts, ("creation",)))
        except ClientFailed as failed:
            if code_of(failed.words) != _NO_PLUGIN:
                raise
            half = len(accounts) // 2
            if half:
                return [*self._created(accounts[:half]), *self._created(accounts[half:])]
            self._run(stand_in(self._head, accounts[0], secrets.token_urlsafe(24)))
            return [barred(accounts[0], failed.words)]
        return []

    def _run(self, sql: bytes) -> None:
        with self._clients.start() as client:
            client.write(sql)
            client.finish()

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


def barred(account: Account, words: str) -> Barred:
    """Read which plugin a client complains of. Pure."""
    named = re.search(r"'([^']+)'", words)
    return Barred(f"{account.user}@{account.host}", named[1] if named else "of its own")


def unidentified(account: Account) -> Account:
    """Let grants not say how an account logs in, as MariaDB's on everything do. Pure."""
    name = re.escape(f" TO {quoting.account(account.user, account.host)}")
    saying = re.compile(rf"({name}) IDENTIFIED .*?(?= REQUIRE | WITH (?:GRANT|MAX)|$)", re.DOTALL)
    return replace(account, grants=tuple(saying.sub(r"\1", grant) for grant in account.grants))


def stand_in(head: Sequence[str], account: Account, secret: str) -> bytes:
    """Write statements that create an account with another password, unless it is there. Pure."""
    name, password = quoting.account(account.user, account.host), quoting.text(secret + _FOR_POLICIES)
    creation = f"CREATE USER IF NOT EXISTS {name} IDENTIFIED BY {password}"
    return sql_of(head, [replace(account, creation=(creation,))], ("creation",))


def sql_of(head: Sequence[str], accounts: Sequence[Account], parts: Sequence[str]) -> bytes:
    """Write statements of accounts, by their parts. Pure."""
    statements = [*head, *(statement for part in parts for one in accounts for statement in one.part(part))]
    return "".join(f"{statement};\n" for statement in statements).encode()
