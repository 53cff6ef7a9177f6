"""The server that a restore writes to: what it is, and what of it would be overwritten."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vawsum_agent.backup.server.facts import OWN_SCHEMAS, parse_version
from vawsum_agent.backup.server.grants import RESERVED
from vawsum_agent.core.errors import BackupError
from vawsum_agent.core.text import printable
from vawsum_agent.core.units import counted
from vawsum_agent.mysql.option_file import read_option_file
from vawsum_agent.mysql.session import Session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vawsum_agent.backup.manifest import Manifest
    from vawsum_agent.backup.restore.plan import Plan
    from vawsum_agent.backup.server.facts import Flavour
    from vawsum_agent.backup.server.grants_file import Account
    from vawsum_agent.mysql.session import Query

_LIMIT_S = 120.0
_SHOWN = 5
_LABELS = {"mariadb": "MariaDB", "mysql": "MySQL"}

_SERVER = (
    "SELECT VERSION() AS version, CURRENT_USER() AS account, @@hostname AS host, @@port AS port,"
    " @@datadir AS datadir, @@read_only AS read_only"
)
_TABLES = "SELECT TABLE_SCHEMA AS db, TABLE_NAME AS name FROM information_schema.TABLES"
_PROGRAMS = (
    "SELECT ROUTINE_SCHEMA AS db, ROUTINE_NAME AS name FROM information_schema.ROUTINES",
    "SELECT EVENT_SCHEMA AS db, EVENT_NAME AS name FROM information_schema.EVENTS",
)
_EVERYWHERE = RESERVED | {"root", "mysql", "debian-sys-maint", "healthcheck"}
"""Users that a server has which was just installed: a whole restore brings those of the old one."""


@dataclass(frozen=True, slots=True)
class Target:
    """A server.

    Attributes:
        version: as it says it.
        number: of it, to compare.
        where: how it is reached: a socket, or host and port.
        host: its own name of the machine it runs on.
        account: ``user@host`` as which one is known there.
        identity: words that no other server has.
        tables: database and name of all tables and views but the server's own.
        programs: the same of routines and events.
    """

    flavour: Flavour
    version: str
    number: tuple[int, int, int]
    where: str
    host: str
    account: str
    identity: str
    is_read_only: bool
    tables: frozenset[tuple[str, str]]
    programs: frozenset[tuple[str, str]] = frozenset()

    def __str__(self) -> str:
        # A version of MariaDB names it already.
        label = "" if "mariadb" in self.version.lower() else f"{_LABELS[self.flavour]} "
        return f"{label}{self.version} on {self.host} ({self.where}), as {self.account}"


def look(option_file: str) -> Target:
    """Ask the server. Raises AgentError: it is down or does not let us in; the hint says what to do."""
    where = read_option_file(option_file).where
    session = Session(option_file)
    try:
        return session.run(lambda query: _target(query, where), _LIMIT_S)
    finally:
        session.close()


def refusal(plan: Plan, target: Target) -> BackupError | None:
    """Tell why a server must not be written to unless that is forced: what would be overwritten. Pure."""
    if plan.selection.table:
        there = sorted(plan.names & target.tables)
    else:
        there = sorted(one for one in target.tables | target.programs if one[0] in plan.databases)
    if not there:
        return None
    message = f"{target} is not empty: it has {_shown(['.'.join(one) for one in there])}"
    lost = len(plan.names & target.tables)
    what = counted(lost, "table or view", "tables and views")
    if not target.programs.isdisjoint(there):
        what += ", and routines and events of the same names"
    return BackupError(message, hint=f"--force drops and restores {what} of it, others stay")


def taken(accounts: Sequence[Account], there: Sequence[Account], target: Target) -> BackupError | None:
    """Tell why accounts of a backup must not be made unless that is forced: whose passwords would change. Pure.

    Args:
        accounts: that would be made what they were.
        there: those of the server.
        target: the server.
    """
    known = {(one.user, one.host): one.creation for one in there}
    lost = [
        f"{one.user}@{one.host}"
        for one in accounts
        if one.user not in _EVERYWHERE and known.get((one.user, one.host), one.creation) != one.creation
    ]
    if not lost:
        return None
    message = f"{target} has accounts of the backup's names, which log in otherwise: {_shown(lost)}"
    return BackupError(message, hint="--no-grants leaves accounts out; --force makes them what they were")


def _shown(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return ", ".join(map(printable, names[:_SHOWN])) + more


def mismatch(manifest: Manifest, target: Target) -> str:
    """Tell why the server may not understand the backup; empty where it should. Pure.

    The other product takes most dumps and fails at some; so does an older series. Neither is done unless forced.
    """
    if manifest.flavour != target.flavour:
        what = f"the backup is of {_LABELS[manifest.flavour]} {manifest.server_version}"
        return f"{what}, and {target} is the other product"
    _, number = parse_version(manifest.server_version)
    if target.number[:2] < number[:2]:
        return f"the backup is of {manifest.server_version}, and {target} is older"
    return ""


def _target(query: Query, where: str) -> Target:
    (row,) = query(_SERVER)
    version = _text(row["version"])
    flavour, number = parse_version(version)
    host = _text(row["host"])
    return Target(
        flavour=flavour,
        version=version,
        number=number,
        where=where,
        host=host,
        account=_text(row["account"]),
        identity=" ".join((host, _text(row["port"]), _text(row["datadir"]))),
        is_read_only=_text(row["read_only"]) in {"1", "ON"},
        tables=_named(query, _TABLES),
        programs=frozenset().union(*(_named(query, sql) for sql in _PROGRAMS)),
    )


def _named(query: Query, sql: str) -> frozenset[tuple[str, str]]:
    rows = [(_text(row["db"]), _text(row["name"])) for row in query(sql)]
    return frozenset(row for row in rows if row[0] not in OWN_SCHEMAS)


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
