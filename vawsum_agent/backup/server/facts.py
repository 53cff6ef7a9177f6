"""What a server is and holds, asked once before a dump."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Literal

import msgspec

from vawsum_agent.backup.manifest import Database
from vawsum_agent.backup.server.quoting import identifier
from vawsum_agent.core.errors import AgentError, BackupError
from vawsum_agent.core.text import toml
from vawsum_agent.mysql.session import Session

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from vawsum_agent.mysql.session import Query, Row

Flavour = Literal["mariadb", "mysql"]

OWN_SCHEMAS = frozenset({"mysql", "information_schema", "performance_schema", "sys"})
"""What every server has of its own."""

NOT_A_NAME = "#mysql50#"
"""How a server shows a folder among its data whose name is none that it gives, such as ``lost+found`` of a disk that is
mounted there. No server takes a database of such a name: a dump of it could not be restored."""

_WITHOUT_NETWORK_TIMEOUT_S = 60
_LIMIT_S = 120.0
"""With ten thousand tables it takes many seconds to add up their sizes."""

_VARIABLES = "SELECT VERSION() AS version, @@log_bin AS log_bin, @@net_write_timeout AS net_write_timeout"
_SCHEMATA = "SELECT SCHEMA_NAME AS name FROM information_schema.SCHEMATA"
_TABLES = (
    "SELECT TABLE_SCHEMA AS db, TABLE_NAME AS name, TABLE_TYPE AS type, ENGINE AS engine,"
    " COALESCE(DATA_LENGTH, 0) AS bytes, COALESCE(TABLE_ROWS, 0) AS row_count"
    " FROM information_schema.TABLES WHERE TABLE_SCHEMA NOT IN ({own})"
)
_ENGINES = "SELECT ENGINE AS engine, TRANSACTIONS AS transactions FROM information_schema.ENGINES"
_COUNTED = {
    "routines": "SELECT ROUTINE_SCHEMA AS db, COUNT(*) AS count FROM information_schema.ROUTINES GROUP BY 1",
    "triggers": "SELECT TRIGGER_SCHEMA AS db, COUNT(*) AS count FROM information_schema.TRIGGERS GROUP BY 1",
    "events": "SELECT EVENT_SCHEMA AS db, COUNT(*) AS count FROM information_schema.EVENTS GROUP BY 1",
    "lasting_events": "SELECT EVENT_SCHEMA AS db, COUNT(*) AS count FROM information_schema.EVENTS"
    " WHERE ON_COMPLETION = 'PRESERVE' OR (EVENT_TYPE = 'RECURRING' AND ENDS IS NULL) GROUP BY 1",
}


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """A table, as opposed to a view or a sequence.

    Attributes:
        engine: such as ``InnoDB``.
        is_in_snapshot: its engine knows transactions, so that it is dumped as it was at the dump's begin.
        data_bytes: as the engine estimates them, without secondary indexes.
        rows: as the engine estimates them, which may be off by half.
    """

    database: str
    name: str
    engine: str
    is_in_snapshot: bool
    data_bytes: int
    rows: int = 0


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """A server and what of it is dumped.

    Attributes:
        version: as it says it itself, such as ``10.11.19-MariaDB-0+deb12u1-log``.
        number: of the version, to compare.
        net_write_timeout_s: a client that takes nothing for so long is cut off.
        databases: to be dumped, by name.
        tables: of these databases.
        is_all: whatever the server has was wanted, not databases that were named.
    """

    flavour: Flavour
    version: str
    number: tuple[int, int, int]
    is_binlog_on: bool
    net_write_timeout_s: int
    databases: list[Database]
    tables: list[Table]
    is_all: bool = False

    def by_name(self) -> dict[tuple[str, str], Table]:
        """The tables by database and name."""
        return {(table.database, table.name): table for table in self.tables}

    @property
    def data_bytes(self) -> int:
        """An estimate of the data, to tell how far a dump is. SQL may be several times as much, or less."""
        return sum(table.data_bytes for table in self.tables)


def read_server(option_file: str, databases: Sequence[str] = (), limit_s: float = _LIMIT_S) -> Server:
    """Ask a server.

    Args:
        option_file: its ``[client]`` section says where and as whom.
        databases: what is wanted of it; all but the server's own schemas when empty.
        limit_s: for all of it.

    Raises:
        AgentError: it can't be asked; the hint says what to do.
        BackupError: there is no such database, or none at all.
    """
    session = Session(option_file)
    try:
        return session.run(lambda query: _look(query, databases), limit_s)
    finally:
        session.close()


def parse_version(text: str) -> tuple[Flavour, tuple[int, int, int]]:
    """Tell flavour and number from what a server says of itself; ``5.5.5-`` before MariaDB's own is for old clients.

    Raises:
        AgentError: there is no number in it.
    """
    is_mariadb = "mariadb" in text.lower()
    found = re.match(r"(\d+)\.(\d+)(?:\.(\d+))?", text.removeprefix("5.5.5-") if is_mariadb else text)
    if found is None:
        raise AgentError(f"a server of version {toml(text)} is not known", hint="is it MySQL or MariaDB?")
    major, minor, patch = (int(number or 0) for number in found.groups())
    return ("mariadb" if is_mariadb else "mysql"), (major, minor, patch)


def _look(query: Query, databases: Sequence[str]) -> Server:
    (variables,) = query(_VARIABLES)
    flavour, number = parse_version(str(variables["version"]))
    listed = query(_TABLES.format(own=", ".join(f"'{name}'" for name in sorted(OWN_SCHEMAS))))
    filled = {_text(row["db"]) for row in listed}
    names = _wanted([_text(row["name"]) for row in query(_SCHEMATA)], databases, filled)
    transactional = {_text(row["engine"]) for row in query(_ENGINES) if row["transactions"] == "YES"}
    views = Counter(_text(row["db"]) for row in listed if row["type"] == "VIEW")
    counts = {kind: {_text(row["db"]): int(str(row["count"])) for row in query(sql)} for kind, sql in _COUNTED.items()}
    return Server(
        flavour=flavour,
        version=str(variables["version"]),
        number=number,
        is_binlog_on=str(variables["log_bin"]) == "1",
        net_write_timeout_s=int(str(variables["net_write_timeout"])) or _WITHOUT_NETWORK_TIMEOUT_S,
        databases=[
            Database(name=name, views=views[name], **{kind: of.get(name, 0) for kind, of in counts.items()})
            for name in names
        ],
        tables=[_table(row, transactional) for row in listed if _is_table(row) and _text(row["db"]) in set(names)],
        is_all=not databases,
    )


def _wanted(present: list[str], databases: Sequence[str], filled: Collection[str]) -> list[str]:
    missing = [name for name in databases if name not in present]
    if missing:
        message = f"the server has no database {', '.join(map(toml, missing))}"
        raise BackupError(message, hint="correct backup.databases, or grant SELECT on it: what may not be seen is not")
    names = sorted(set(databases) or {name for name in set(present) - OWN_SCHEMAS if _is_database(name, filled)})
    if not names:
        raise BackupError("the server has no database to dump", hint="grant SELECT: what may not be seen is not there")
    return names


def _is_database(name: str, filled: Collection[str]) -> bool:
    if not name.startswith(NOT_A_NAME):
        return True
    if name in filled:
        message = f"database {toml(name)} has tables, and a name that no server takes: it can't be restored"
        raise BackupError(message, hint=f"ALTER DATABASE {identifier(name)} UPGRADE DATA DIRECTORY NAME")
    return False


def _is_table(row: Row) -> bool:
    return row["type"] in {"BASE TABLE", "SYSTEM VERSIONED"}


def _table(row: Row, transactional: set[str]) -> Table:
    engine = _text(row["engine"] or "")
    return Table(
        database=_text(row["db"]),
        name=_text(row["name"]),
        engine=engine,
        is_in_snapshot=engine in transactional,
        data_bytes=int(str(row["bytes"])),
        rows=int(str(row["row_count"])),
    )


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
