"""Reads users, roles and what they may from a server, as statements for another one of the same flavour."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from vawsum_agent.backup.server import quoting
from vawsum_agent.backup.server.grants_file import Account, write_grants
from vawsum_agent.mysql.session import Session

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from vawsum_agent.backup.server.facts import Flavour
    from vawsum_agent.mysql.session import Query, Row

RESERVED = frozenset({"mariadb.sys", "mysql.sys", "mysql.session", "mysql.infoschema"})
"""Users that every server makes for itself."""

_PUBLIC = "PUBLIC"  # MariaDB's role of everybody, which can't be created
_LIMIT_S = 120.0
_HEX_HASHES_SINCE = (8, 0, 17)
_QUOTED = r"`(?:[^`]|``)*`"
_DEFAULT_ROLE = re.compile(rf" DEFAULT ROLE {_QUOTED}@{_QUOTED}(?:,\s*{_QUOTED}@{_QUOTED})*")


class Versioned(Protocol):
    """A server, as far as it matters here."""

    @property
    def flavour(self) -> Flavour:
        """Whose it is."""
        ...

    @property
    def number(self) -> tuple[int, int, int]:
        """Of its version."""
        ...


@dataclass(frozen=True, slots=True)
class Grants:
    """All of them, roles first."""

    accounts: tuple[Account, ...]

    @property
    def account_count(self) -> int:
        """Users and roles."""
        return len(self.accounts)

    @property
    def sql(self) -> bytes:
        """One file; see `grants_file`."""
        return write_grants(self.accounts)


def read_grants(option_file: str, server: Versioned, limit_s: float = _LIMIT_S) -> Grants:
    """Ask a server for its users and roles, but those that it makes for itself.

    Args:
        option_file: its ``[client]`` section says where and as whom.
        server: as it was found.
        limit_s: for all of it.

    Raises:
        AgentError: it can't be asked, or does not let us see them (``SELECT`` on ``mysql.*``).
    """
    read = _of_mariadb if server.flavour == "mariadb" else _of_mysql

    def look(query: Query) -> list[Account]:
        query("SET SESSION sql_mode = ''")  # which says how names are quoted in the answers
        if server.flavour == "mysql" and server.number >= _HEX_HASHES_SINCE:
            query("SET SESSION print_identified_with_as_hex = ON")  # hashes of MySQL 8 hold any byte
        return sorted(read(query), key=lambda one: (not one.is_role, one.user, one.host))

    session = Session(option_file)
    try:
        return Grants(tuple(session.run(look, limit_s)))
    finally:
        session.close()


def _of_mariadb(query: Query) -> Iterator[Account]:
    for row in query("SELECT User AS user, Host AS host, is_role FROM mysql.user"):
        user, host = str(row["user"]), str(row["host"])
        if user in RESERVED:
            continue
        if row["is_role"] == "Y":
            yield _role_of_mariadb(query, user)
            continue
        told = [_only(one) for one in query(f"SHOW GRANTS FOR {quoting.account(user, host)}")]
        yield Account(
            user=user,
            host=host,
            is_role=False,
            creation=_creation(_only(query(f"SHOW CREATE USER {quoting.account(user, host)}")[0])),
            grants=_sorted(one for one in told if not one.startswith("SET DEFAULT ROLE ")),
            defaults=tuple(one for one in told if one.startswith("SET DEFAULT ROLE ")),
        )


def _role_of_mariadb(query: Query, name: str) -> Account:
    role = name if name == _PUBLIC else quoting.identifier(name)
    told = [_only(one) for one in query(f"SHOW GRANTS FOR {role}")]
    # What comes from roles that it has is told, too.
    own = re.compile(rf".* TO {re.escape(role)}(?: WITH (?:GRANT|ADMIN) OPTION)?", re.DOTALL)
    return Account(
        user=name,
        host="",
        is_role=True,
        creation=() if name == _PUBLIC else (f"CREATE ROLE IF NOT EXISTS {role}",),
        grants=_sorted(one for one in told if own.fullmatch(one)),
    )


def _of_mysql(query: Query) -> Iterator[Account]:
    edges = _if_there(query, "role_edges")
    roles = {(str(row["FROM_USER"]), str(row["FROM_HOST"])) for row in edges}
    defaults = _default_roles(_if_there(query, "default_roles"))
    for row in query("SELECT User AS user, Host AS host FROM mysql.user"):
        user, host = str(row["user"]), str(row["host"])
        if user in RESERVED:
            continue
        name = quoting.account(user, host)
        default = defaults.get((user, host), [])
        yield Account(
            user=user,
            host=host,
            is_role=(user, host) in roles,
            creation=_creation(_DEFAULT_ROLE.sub("", _only(query(f"SHOW CREATE USER {name}")[0]))),
            grants=_sorted(_only(one) for one in query(f"SHOW GRANTS FOR {name}")),
            defaults=(f"ALTER USER {name} DEFAULT ROLE {', '.join(default)}",) if default else (),
        )


def _default_roles(rows: list[Row]) -> dict[tuple[str, str], list[str]]:
    found: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        role = quoting.account(str(row["DEFAULT_ROLE_USER"]), str(row["DEFAULT_ROLE_HOST"]))
        found.setdefault((str(row["USER"]), str(row["HOST"])), []).append(role)
    return found


def _if_there(query: Query, table: str) -> list[Row]:
    """Read a table that MySQL 5.7 does not have."""
    there = query("SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'mysql'")
    is_there = any(row["name"] == table for row in there)
    return query(f"SELECT * FROM mysql.{table}") if is_there else []  # noqa: S608 - one of two names above


def _creation(created: str) -> tuple[str, str]:
    """From what ``SHOW CREATE USER`` tells, statements for a server that may have the user already."""
    what = created.removeprefix("CREATE USER ")
    return f"CREATE USER IF NOT EXISTS {what}", f"ALTER USER {what}"


def _sorted(grants: Iterable[str]) -> tuple[str, ...]:
    """Put them in an order: servers tell them in that of their hashes, some twice; none depends on another."""
    return tuple(sorted(set(grants)))


def _only(row: Row) -> str:
    (value,) = row.values()
    return value.decode() if isinstance(value, bytes) else str(value)
