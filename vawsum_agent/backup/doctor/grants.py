"""What the account that dumps may not do, and the statements that let it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.backup.server import quoting
from vawsum_agent.backup.server.account import read_own_account
from vawsum_agent.core.errors import AgentError
from vawsum_agent.core.finding import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vawsum_agent.backup.server.facts import Server
    from vawsum_agent.backup.server.privileges import Privilege

_WITHOUT = {
    "SELECT": "no backup can be made",
    "SHOW DATABASES": "a database on which it was granted nothing is in no backup, unless backup.databases lists all",
    "SHOW VIEW": "a database with a view can't be dumped",
    "TRIGGER": "triggers are not dumped",
    "EVENT": "events can't be dumped",
    "RELOAD": "no backup with a position in the binary log can be made",
    "BINLOG MONITOR": "the position in the binary log is not known",
    "REPLICATION CLIENT": "the position in the binary log is not known",
    "SHOW CREATE ROUTINE": "procedures and functions can't be dumped",
    "SHOW_ROUTINE": "procedures and functions of others can't be dumped",
}


def grants(option_file: str, server: Server, where: str) -> Iterator[Finding]:
    """Ask the server what the account may.

    Args:
        option_file: names server and account.
        server: what it holds.
        where: the server for people.
    """
    try:
        account = read_own_account(option_file)
    except AgentError as error:
        yield Finding(Severity.PROBLEM, error.message, where, error.hint)
        return
    yield from of_grants(account.name, account.lacks(server), where)


def of_grants(account: str, lacking: Sequence[Privilege], where: str) -> Iterator[Finding]:
    """Name each privilege that is missing, once, with the databases that it is missing on. Pure.

    Args:
        account: ``user@host``, as ``CURRENT_USER()`` gives it.
        lacking: what it lacks.
        where: the server for people.
    """
    user, _, host = account.rpartition("@")
    quoted = quoting.account(user, host)
    if not lacking:
        yield Finding(Severity.OK, f"{account} may dump all of it, and accounts", where)
        return
    for name in dict.fromkeys(privilege.name for privilege in lacking):
        same = [privilege for privilege in lacking if privilege.name == name]
        databases = ", ".join(privilege.database for privilege in same if privilege.database)
        on = f" on {databases}" if databases else ""
        what = f"{account} has no {name}{on}: {_WITHOUT.get(name, _WITHOUT['SELECT'])}"
        yield Finding(Severity.PROBLEM, what, where, "; ".join(privilege.grant(quoted) for privilege in same))
