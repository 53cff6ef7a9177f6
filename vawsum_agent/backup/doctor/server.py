"""Whether the server lets itself be backed up: it answers, shows all that is dumped, and nothing of it will fail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.backup.doctor.grants import grants
from vawsum_agent.backup.doctor.views import look_at_views, of_views
from vawsum_agent.backup.server.facts import Server, read_server
from vawsum_agent.backup.server.programs import Program, find_dump, find_shell
from vawsum_agent.core.errors import AgentError
from vawsum_agent.core.finding import Finding, Severity
from vawsum_agent.core.units import format_bytes
from vawsum_agent.mysql.option_file import read_option_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vawsum_agent.config.model import BackupConfig

_LIMIT_S = 60.0
_MOST_NAMED = 5
_NAMES = {"mariadb": "MariaDB", "mysql": "MySQL"}


def server(backup: BackupConfig) -> Iterator[Finding]:
    """Ask the server that the option file names. A file that can't be used is told of by `option_file`."""
    path = backup.defaults_file
    try:
        where = f"MySQL at {read_option_file(path).where}"
    except AgentError:
        return
    try:
        found = read_server(path, backup.databases, _LIMIT_S)
        views = look_at_views(path, {database.name for database in found.databases}, _LIMIT_S)
    except AgentError as error:
        yield Finding(Severity.PROBLEM, f"no backup can be made: {error.message}", where, error.hint)
        return
    yield Finding(Severity.OK, _said(found), where)
    yield from grants(path, found, where)
    yield from programs(found)
    yield from of_views(views, where)
    yield from contents(found, where)


def _said(found: Server) -> str:
    names = len(found.databases)
    databases = "1 database" if names == 1 else f"{names:,} databases"
    tables = "1 table" if len(found.tables) == 1 else f"{len(found.tables):,} tables"
    return f"{found.version} shows {databases} with {tables}, about {format_bytes(found.data_bytes)}"


def programs(found: Server, search_path: str | None = None) -> Iterator[Finding]:
    """Check the programs that dump and restore, against the server's flavour and version."""
    for find in (find_dump, find_shell):
        try:
            program = find(found.flavour, search_path)
        except AgentError as error:
            yield Finding(Severity.PROBLEM, f"no backup can be made: {error.message}", "client programs", error.hint)
            continue
        yield of_program(program, found)


def of_program(program: Program, found: Server) -> Finding:
    """Judge one program."""
    if program.flavour != found.flavour:
        what = f"{program.label} is one of {_NAMES[program.flavour]}, and the server is {_NAMES[found.flavour]}"
        remedy = f"install the client programs of {_NAMES[found.flavour]} {_short(found.number)}"
        return Finding(Severity.WARNING, what, program.path, remedy)
    if program.number[:2] < found.number[:2]:
        what = f"{program.label} is older than the server, {_short(found.number)}: it may not dump all there is"
        remedy = f"install the client programs of {_NAMES[found.flavour]} {_short(found.number)}"
        return Finding(Severity.WARNING, what, program.path, remedy)
    return Finding(Severity.OK, f"{program.label} fits the server", program.path)


def contents(found: Server, where: str) -> Iterator[Finding]:
    """Tell what of the data can't be dumped as it should be."""
    outside = [(table.database, table.name) for table in found.tables if not table.is_in_snapshot]
    if outside:
        what = f"{_counted(len(outside), 'table')} of engines without transactions: {_listed(outside)}"
        what = f"{what}; each is dumped as it is then, not as of the snapshot"
        yield Finding(Severity.WARNING, what, where, f"ALTER TABLE {_quoted(outside[0])} ENGINE = InnoDB, and so on")
    if not found.is_binlog_on:
        # No warning: whoever can lose a day needs none.
        yield Finding(Severity.OK, "writes no binary log: what changes after a backup can't be had again", where)


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _listed(names: Sequence[tuple[str, str]]) -> str:
    more = f" and {len(names) - _MOST_NAMED:,} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(map(".".join, names[:_MOST_NAMED])) + more


def _quoted(name: tuple[str, str]) -> str:
    return ".".join("`" + part.replace("`", "``") + "`" for part in name)


def _short(number: tuple[int, int, int]) -> str:
    return f"{number[0]}.{number[1]}"
