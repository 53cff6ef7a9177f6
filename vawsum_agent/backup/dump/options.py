"""The command line of a dump, by client and server. Pure.

``--defaults-file`` comes first and is the only option file read: what stands in ``/etc/mysql`` or ``~/.my.cnf``, such
as ``skip-triggers`` or ``where``, would change the dump. What the scanner and a restore rely on is asked for all the
same, since the file itself may have a section for dumps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vawsum_agent.backup.server.programs import Program

_ALWAYS = (
    "--opt",
    "--comments",
    "--quote-names",
    "--tz-utc",
    "--single-transaction",
    "--quick",
    "--routines",
    "--events",
    "--triggers",
    "--hex-blob",
    "--default-character-set=utf8mb4",
    "--no-tablespaces",
    "--max-allowed-packet=1G",  # the longest row there can be; memory is taken as rows need it
)
_GTID_PURGED_SINCE = (5, 6, 9)
_COLUMN_STATISTICS_SINCE = (8, 0, 0)
_SOURCE_DATA_SINCE = (8, 0, 26)


def dump_command(program: Program, option_file: str, databases: Sequence[str], *, is_binlog_on: bool) -> list[str]:
    """Make the command that dumps databases in one snapshot.

    Args:
        program: the client.
        option_file: holds the password, which therefore is not among the arguments.
        databases: whatever their names.
        is_binlog_on: the server writes a binary log, so that the dump can say where in it the snapshot lies.
    """
    options = [f"--defaults-file={option_file}", *_ALWAYS]
    if is_binlog_on:
        has_source = program.flavour == "mysql" and program.number >= _SOURCE_DATA_SINCE
        options.append("--source-data=2" if has_source else "--master-data=2")
    if program.flavour == "mysql":
        if program.number >= _GTID_PURGED_SINCE:
            # Or the dump sets the GTIDs of a server that it is restored into, which refuses unless it has none.
            options.append("--set-gtid-purged=OFF")
        if program.number >= _COLUMN_STATISTICS_SINCE:
            options.append("--column-statistics=0")  # asks for a table that MariaDB and MySQL 5.7 don't have
    # What begins with a dash is a name, too.
    return [program.path, *options, "--databases", "--", *databases]
