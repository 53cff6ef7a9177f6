"""How many rows the restored tables have, counted while nothing else can have changed them.

A table is counted right after it was loaded: the server still has it in memory, and no event and no application works
yet. A server that breaks down may lose what it had said it has (``innodb_flush_log_at_trx_commit`` other than 1): then,
and for what an earlier run had loaded, all is counted again before the events come.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING

from vawsum_agent.backup.restore.head import quoted
from vawsum_agent.core.errors import AgentError
from vawsum_agent.mysql.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from vawsum_agent.backup.manifest import Frame

_LIMIT_S = 6 * 3600.0
"""For one statement: counting the largest table."""


class Counts:
    """Of one restore. Threads may count side by side.

    Args:
        count_rows: asks the server; raises AgentError.
        jobs: tables that are counted at once.
    """

    def __init__(self, count_rows: Callable[[Frame], int], jobs: int) -> None:
        self._count_rows = count_rows
        self._jobs = jobs
        self._lock = threading.Lock()
        self._rows: dict[tuple[str, str], int] = {}

    def take(self, frame: Frame) -> None:
        """Count a table; where that fails, it stays uncounted."""
        with suppress(AgentError):
            rows = self._count_rows(frame)
            with self._lock:
                self._rows[frame.database, frame.name] = rows

    def forget(self) -> None:
        """Take back all that was counted: the server was gone since."""
        with self._lock:
            self._rows.clear()

    def lost(self, frames: Iterable[Frame]) -> list[Frame]:
        """Count what is not counted, and give what of it has not as many rows as were dumped."""
        uncounted = [frame for frame in frames if self.of(frame) is None]
        with ThreadPoolExecutor(self._jobs, thread_name_prefix="count") as pool:
            list(pool.map(self.take, uncounted))
        return [frame for frame in uncounted if frame.rows is not None and self.of(frame) != frame.rows]

    def of(self, frame: Frame) -> int | None:
        """How many rows a table has; None where it is not counted."""
        with self._lock:
            return self._rows.get((frame.database, frame.name))


def count_rows(option_file: str, frame: Frame) -> int:
    """Count the rows that a table has. Raises AgentError."""
    table = (quoted(frame.database) + b"." + quoted(frame.name)).decode()
    sql = f"SELECT COUNT(*) AS n FROM {table}"  # noqa: S608 - quoted
    session = Session(option_file)
    try:
        return session.run(lambda query: int(str(query(sql)[0]["n"])), _LIMIT_S)
    finally:
        session.close()
