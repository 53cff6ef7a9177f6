"""Asks a restored server what it has: every table is counted and checked."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from vawsum_agent.backup.drill.differences import written
from vawsum_agent.backup.drill.options import is_restored
from vawsum_agent.backup.server.facts import OWN_SCHEMAS, Server, read_server
from vawsum_agent.core.errors import AgentError, BackupError
from vawsum_agent.mysql.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from vawsum_agent.backup.drill.differences import Table
    from vawsum_agent.mysql.session import Query

_LIMIT_S = 6 * 3600.0
"""For one statement: counting or checking the largest table."""

_FINE = frozenset({"status", "note", "info"})
_VIEWS = "SELECT TABLE_SCHEMA AS d, TABLE_NAME AS t FROM information_schema.VIEWS ORDER BY 1, 2"

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

    def server(self) -> Server:
        """Ask what it is and holds. Raises BackupError where it holds nothing at all, AgentError."""
        return read_server(self._option_file, limit_s=_LIMIT_S)

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
        found = self._ask(lambda query: [(_text(row["d"]), _text(row["t"])) for row in query(_VIEWS)])
        return [view for view in found if view[0] not in OWN_SCHEMAS]

    def is_answered(self) -> bool:
        """Whether it says anything at all, right now."""
        try:
            return self._ask(lambda query: bool(query("SELECT 1")))
        except AgentError:
            return False

    def accounts(self) -> int:
        """Count users and roles that came with the backup. Raises AgentError."""
        return self._ask(
            lambda query: sum(is_restored(_text(row["u"])) for row in query("SELECT User AS u FROM mysql.user"))
        )

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
