"""What the account of a backup needs, and what of it it lacks. Pure.

Tried on MariaDB 10.11 with an account that has exactly this. ``LOCK TABLES`` is not among it: the dump is one
transaction. MariaDB tells everybody where in its binary log a snapshot lies; MySQL's client stops writes for a moment
to learn that, and has to be allowed to.

Where all databases are wanted, whatever their names, they must all be seen: one that nobody granted anything on is not
in the server's list, and would be missing from every backup without a word.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vawsum_agent.backup.server import quoting

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from vawsum_agent.backup.server.facts import Server

_IN_EACH_DATABASE = ("SELECT", "SHOW VIEW", "TRIGGER", "EVENT")
_SEE_ALL = "SHOW DATABASES"
_SHOW_CREATE_ROUTINE_SINCE = (11, 3, 0)
_SHOW_ROUTINE_SINCE = (8, 0, 20)

_GRANT = re.compile(
    r"GRANT (?P<what>.+?) ON (?P<where>\*\.\*|(?P<quote>[`\"])(?P<database>(?:[^`\"]|``|\"\")*)(?P=quote)\.\*) TO ",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True, order=True)
class Privilege:
    """A privilege on all databases, or on one."""

    name: str
    database: str = ""

    def grant(self, account: str) -> str:
        """Write the statement that gives it."""
        where = f"{quoting.identifier(self.database)}.*" if self.database else "*.*"
        return f"GRANT {self.name} ON {where} TO {account}"


def needed(server: Server) -> list[Privilege]:
    """Tell what a backup of a server takes: of each database, of ``mysql`` for accounts and routines, and of all."""
    databases = [database.name for database in server.databases]
    found = [Privilege(name, database) for database in databases for name in _IN_EACH_DATABASE]
    found.append(Privilege("SELECT", "mysql"))
    if server.is_all:
        found.append(Privilege(_SEE_ALL))
    if server.flavour == "mariadb":
        if server.number >= _SHOW_CREATE_ROUTINE_SINCE:
            found += [Privilege("SHOW CREATE ROUTINE", database) for database in databases]
        return found
    if server.is_binlog_on:
        found += [Privilege("RELOAD"), Privilege("REPLICATION CLIENT")]
    if server.number >= _SHOW_ROUTINE_SINCE:
        found.append(Privilege("SHOW_ROUTINE"))
    return found


def missing(wanted: Iterable[Privilege], told: Sequence[str]) -> list[Privilege]:
    """Tell what an account lacks.

    Args:
        wanted: see `needed`.
        told: the lines of its ``SHOW GRANTS``, those of its active roles among them.
    """
    granted = [grant for line in told if (grant := _read(line)) is not None]
    return [one for one in wanted if not any(_gives(names, pattern, one) for names, pattern in granted)]


def _read(line: str) -> tuple[frozenset[str], str | None] | None:
    """Privileges and a pattern of databases, None for all of them; None for what is about a table or a role."""
    found = _GRANT.match(line)
    if found is None:
        return None
    names = frozenset(name.strip() for name in found["what"].split(","))
    if found["database"] is None:
        return names, None
    return names, found["database"].replace("``", "`").replace('""', '"')


def _gives(names: frozenset[str], pattern: str | None, wanted: Privilege) -> bool:
    if pattern is not None and not (wanted.database and _matches(pattern, wanted.database)):
        return False
    if any(name.startswith("ALL PRIVILEGES") or name == "ALL" for name in names):
        return True
    # Whoever may read all databases sees all of them.
    return wanted.name in names or (wanted.name == _SEE_ALL and "SELECT" in names)


def _matches(pattern: str, database: str) -> bool:
    r"""Whether a database is among those of a grant, in which ``%`` and ``_`` stand for others unless escaped."""
    parts = re.findall(r"\\[%_\\]|.", pattern, re.DOTALL)
    wild = {"%": ".*", "_": "."}
    return (
        re.fullmatch("".join(wild.get(part) or re.escape(part[-1]) for part in parts), database, re.DOTALL) is not None
    )
