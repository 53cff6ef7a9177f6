"""Asks a restored server what it has: every table counted and checked, all else told by the information schema."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from vawsum_agent.backup.drill.differences import Contents, written
from vawsum_agent.backup.drill.options import is_restored
from vawsum_agent.core.errors import AgentError, BackupError
from vawsum_agent.mysql.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from vawsum_agent.backup.drill.differences import Table
    from vawsum_agent.mysql.session import Query

_LIMIT_S = 6 * 3600.0
"""For one statement: counting or checking the largest table."""

_FINE = frozenset({"status", "note", "info"})
_OWN_SCHEMAS = "('information_schema', 'performance_schema', 'mysql', 'sys')"
_CONTENTS = {
    "views": "SELECT TABLE_SCHEMA AS d, COUNT(*) AS n FROM information_schema.VIEWS GROUP BY 1",
    "routines": "SELECT ROUTINE_SCHEMA AS d, COUNT(*) AS n FROM information_schema.ROUTINES GROUP BY 1",
    "triggers": "SELECT TRIGGER_SCHEMA AS d, COUNT(*) AS n FROM information_schema.TRIGGERS GROUP BY 1",
    "events": "SELECT EVENT_SCHEMA AS d, COUNT(*) AS n FROM information_schema.EVENTS GROUP BY 1",
}

_T = TypeVar("_T")
_A = TypeVar("_A")


class Asker:
    """Asks the server that an option file names.

    Args:
        option_file: reaches it with all rights.
        jobs: questions at once.
        is_halted: asked before each; then it raises BackupError.
    """

    def __init__(self, option_file: str, jobs: int, is_halted: Callable[[], bool] = lambda: False) -> None:
        self._option_file = option_file
        self._jobs = jobs
        self._is_halted = is_halted

    def tables(self) -> list[Table]:
        """Name all tables but the server's own; of sequences and views none. Raises AgentError."""
        sql = (
            "SELECT TABLE_SCHEMA AS d, TABLE_NAME AS t FROM information_schema.TABLES"  # noqa: S608 - a constant
            f" WHERE TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED') AND TABLE_SCHEMA NOT IN {_OWN_SCHEMAS}"
            " ORDER BY DATA_LENGTH DESC, 1, 2"
        )
        return self._ask(lambda query: [(str(row["d"]), str(row["t"])) for row in query(sql)])

    def rows(self, tables: Sequence[Table]) -> tuple[dict[Table, int], list[str]]:
        """Count the rows of tables; with what could not be counted. Raises BackupError when halted."""

        def count(table: Table) -> int:
            sql = f"SELECT COUNT(*) AS n FROM {_quoted(table)}"  # noqa: S608 - quoted
            return self._ask(lambda query: _number(query(sql)[0]["n"]))

        rows, faults = {}, []
        for table, answer in self._each(tables, count):
            if isinstance(answer, AgentError):
                faults.append(f"table {written(table)} can't be counted: {answer.message}")
            else:
                rows[table] = answer
        return rows, faults

    def check(self, tables: Sequence[Table]) -> list[str]:
        """Run CHECK TABLE on each, and tell what it complains of. Raises BackupError when halted."""

        def check(table: Table) -> list[str]:
            rows = self._ask(lambda query: query(f"CHECK TABLE {_quoted(table)}"))
            return [str(row["Msg_text"]) for row in rows if str(row["Msg_type"]).lower() not in _FINE]

        faults = []
        for table, answer in self._each(tables, check):
            told = [answer.message] if isinstance(answer, AgentError) else answer
            faults += [f"CHECK TABLE {written(table)}: {text}" for text in told]
        return faults

    def views(self) -> list[Table]:
        """Name all views but the server's own. Raises AgentError."""
        sql = (
            "SELECT TABLE_SCHEMA AS d, TABLE_NAME AS t FROM information_schema.VIEWS"  # noqa: S608 - a constant
            f" WHERE TABLE_SCHEMA NOT IN {_OWN_SCHEMAS} ORDER BY 1, 2"
        )
        return self._ask(lambda query: [(str(row["d"]), str(row["t"])) for row in query(sql)])

    def databases(self) -> dict[str, Contents]:
        """Count what is in each database besides tables. Raises AgentError."""

        def look(query: Query) -> dict[str, Contents]:
            names = query(
                f"SELECT SCHEMA_NAME AS d FROM information_schema.SCHEMATA WHERE SCHEMA_NAME NOT IN {_OWN_SCHEMAS}"  # noqa: S608 - a constant
            )
            counts: dict[str, dict[str, int]] = {str(row["d"]): {} for row in names}
            for kind, sql in _CONTENTS.items():
                for row in query(sql):
                    with suppress(KeyError):  # one of the server's own
                        counts[str(row["d"])][kind] = _number(row["n"])
            return {name: Contents(**found) for name, found in counts.items()}

        return self._ask(look)

    def accounts(self) -> int:
        """Count users and roles that came with the backup. Raises AgentError."""
        return self._ask(
            lambda query: sum(is_restored(_text(row["u"])) for row in query("SELECT User AS u FROM mysql.user"))
        )

    def version(self) -> str:
        """Of the server. Raises AgentError."""
        return self._ask(lambda query: str(query("SELECT VERSION() AS v")[0]["v"]))

    def _each(self, tables: Sequence[Table], ask: Callable[[Table], _A]) -> Iterator[tuple[Table, _A | AgentError]]:
        def answered(table: Table) -> _A | AgentError:
            if self._is_halted():
                return BackupError("the drill was ended", hint="run it again")
            try:
                return ask(table)
            except AgentError as error:
                return error

        with ThreadPoolExecutor(self._jobs, thread_name_prefix="drill") as pool:
            yield from zip(tables, pool.map(answered, tables), strict=True)
        if self._is_halted():
            raise BackupError("the drill was ended", hint="run it again")

    def _ask(self, look: Callable[[Query], _T]) -> _T:
        session = Session(self._option_file)
        try:
            return session.run(look, _LIMIT_S)
        finally:
            session.close()


def _quoted(table: Table) -> str:
    return ".".join("`" + part.replace("`", "``") + "`" for part in table)


def _number(value: object) -> int:
    return int(str(value))


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
