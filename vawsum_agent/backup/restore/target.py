"""The server that a restore writes to: what it is, and what of it would be overwritten."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vawsum_agent.backup.server.facts import OWN_SCHEMAS, parse_version
from vawsum_agent.core.errors import BackupError
from vawsum_agent.core.text import printable
from vawsum_agent.core.units import counted
from vawsum_agent.mysql.option_file import read_option_file
from vawsum_agent.mysql.session import Session

if TYPE_CHECKING:
    from vawsum_agent.backup.manifest import Manifest
    from vawsum_agent.backup.restore.plan import Plan
    from vawsum_agent.backup.server.facts import Flavour
    from vawsum_agent.mysql.session import Query

_LIMIT_S = 120.0
_SHOWN = 5
_LABELS = {"mariadb": "MariaDB", "mysql": "MySQL"}

_SERVER = (
    "SELECT VERSION() AS version, CURRENT_USER() AS account, @@hostname AS host, @@port AS port,"
    " @@datadir AS datadir, @@read_only AS read_only"
)
_TABLES = "SELECT TABLE_SCHEMA AS db, TABLE_NAME AS name FROM information_schema.TABLES"


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
        there = sorted(table for table in target.tables if table[0] in plan.databases)
    if not there:
        return None
    shown = ", ".join(printable(".".join(table)) for table in there[:_SHOWN])
    more = f" and {len(there) - _SHOWN:,} more" if len(there) > _SHOWN else ""
    message = f"{target} is not empty: it has {shown}{more}"
    lost = len(plan.names & target.tables)
    hint = f"--force drops and restores {counted(lost, 'table or view', 'tables and views')} of it, others stay"
    return BackupError(message, hint=hint)


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
    rows = [(_text(table["db"]), _text(table["name"])) for table in query(_TABLES)]
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
        tables=frozenset(table for table in rows if table[0] not in OWN_SCHEMAS),
    )


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
