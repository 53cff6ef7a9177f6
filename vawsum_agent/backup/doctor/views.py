"""Which views a dump would fail at: asked with the statement that the dump program itself asks of each view."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vawsum_agent.backup.server import quoting
from vawsum_agent.core.finding import Finding, Severity
from vawsum_agent.mysql.session import Refused, Session

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from vawsum_agent.mysql.session import Query

_VIEWS = "SELECT TABLE_SCHEMA AS d, TABLE_NAME AS t FROM information_schema.TABLES WHERE TABLE_TYPE = 'VIEW'"

MOST_ASKED = 2_000
"""Each one is opened, which takes the server a millisecond or so."""

_MOST_TOLD = 10
_NO_EXECUTE = 1370
_GONE = 1146
_DENIED = frozenset({1142, 1143})
_OF_ROUTINE = re.compile(r"denied to user ('.*'@'.*') for routine '([^.]+)\.(.+)'$")


@dataclass(frozen=True, slots=True)
class BrokenView:
    """A view that can't be dumped.

    Attributes:
        code: the server's error number.
        said: the server's words.
    """

    database: str
    name: str
    code: int
    said: str

    @property
    def remedy(self) -> str:
        """What makes it one that can be dumped."""
        if self.code == _NO_EXECUTE:
            return _grant(self.said)
        if self.code in _DENIED:
            return "grant the account what the server says it lacks"
        return f"mend or drop it: DROP VIEW {quoting.identifier(self.database)}.{quoting.identifier(self.name)}"


@dataclass(frozen=True, slots=True)
class Views:
    """What was asked.

    Attributes:
        broken: by name.
        unasked: so many views were too many to be asked for.
    """

    broken: Sequence[BrokenView] = ()
    unasked: int = 0


def look_at_views(option_file: str, databases: Collection[str], limit_s: float) -> Views:
    """Ask for the columns of every view of these databases.

    Args:
        option_file: names server and account: the one that dumps, as the answer depends on what it may.
        databases: those that are dumped.
        limit_s: for all of it.

    Raises:
        AgentError: the server can't be asked; the hint says what to do.
    """
    session = Session(option_file)
    try:
        return session.run(lambda query: _look(query, databases), limit_s)
    finally:
        session.close()


def _look(query: Query, databases: Collection[str]) -> Views:
    listed = sorted((_text(row["d"]), _text(row["t"])) for row in query(_VIEWS))
    views = [view for view in listed if view[0] in databases]
    broken = []
    for database, name in views[:MOST_ASKED]:
        try:
            query(f"SHOW FIELDS FROM {quoting.identifier(database)}.{quoting.identifier(name)}")
        except Refused as refused:
            # A view that was dropped since it was listed is in no dump.
            if refused.code != _GONE:
                broken.append(BrokenView(database, name, refused.code, str(refused)))
    return Views(broken, len(views[MOST_ASKED:]))


def of_views(views: Views, where: str) -> Iterator[Finding]:
    """Tell what can't be dumped, each with the server's words. Pure.

    Args:
        views: what was asked.
        where: the server for people.
    """
    for view in views.broken[:_MOST_TOLD]:
        what = f"a dump fails at view {view.database}.{view.name}: {view.said} ({view.code})"
        yield Finding(Severity.PROBLEM, what, where, view.remedy)
    more = len(views.broken) - _MOST_TOLD
    if more > 0:
        what = f"a dump fails at {more:,} more {'view' if more == 1 else 'views'}"
        yield Finding(Severity.PROBLEM, what, where, "mend those that are named, and ask again")
    if views.unasked:
        what = f"{views.unasked:,} views were not looked at, only the first {MOST_ASKED:,}"
        yield Finding(Severity.OK, what, where)


def _grant(said: str) -> str:
    """Write the grant, as far as the server named the function."""
    found = _OF_ROUTINE.search(said)
    if found is None:
        return "GRANT EXECUTE ON FUNCTION on the function that the view calls, to the account that dumps"
    account, database, function = found.groups()
    return f"GRANT EXECUTE ON FUNCTION {quoting.identifier(database)}.{quoting.identifier(function)} TO {account}"


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
