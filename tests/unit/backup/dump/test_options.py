"""The command line fits the client: what one flavour wants, the other refuses."""

from __future__ import annotations

import pytest

from vawsum_agent.backup.dump.options import dump_command
from vawsum_agent.backup.server.programs import Program, parse_told

MARIADB = parse_told("/usr/bin/mariadb-dump", "mariadb-dump  Ver 10.19 Distrib 10.11.19-MariaDB, for debian-linux-gnu")
MYSQL_57 = parse_told("/usr/bin/mysqldump", "mysqldump  Ver 10.13 Distrib 5.7.44, for Linux (x86_64)")
MYSQL_80 = parse_told("/usr/bin/mysqldump", "mysqldump  Ver 8.0.36 for Linux on x86_64 (MySQL Community Server - GPL)")


def test_option_file_is_first_and_names_are_last() -> None:
    """The option file comes first, as clients want it, and names that look like options are names."""
    command = dump_command(MARIADB, "/etc/x.cnf", ["-a", "b c"], is_binlog_on=False)
    assert command[:2] == ["/usr/bin/mariadb-dump", "--defaults-file=/etc/x.cnf"]
    assert command[-4:] == ["--databases", "--", "-a", "b c"]
    assert {"--single-transaction", "--routines", "--events", "--triggers", "--hex-blob"} <= set(command)


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        (MARIADB, {"--master-data=2"}),
        (MYSQL_57, {"--master-data=2", "--set-gtid-purged=OFF"}),
        (MYSQL_80, {"--source-data=2", "--set-gtid-purged=OFF", "--column-statistics=0"}),
    ],
)
def test_by_flavour(program: Program, expected: set[str]) -> None:
    """Each client gets the words it knows, the binlog position only where there is a binlog."""
    own = {"--master-data=2", "--source-data=2", "--set-gtid-purged=OFF", "--column-statistics=0"}
    assert own & set(dump_command(program, "/f", ["d"], is_binlog_on=True)) == expected
    without = own & set(dump_command(program, "/f", ["d"], is_binlog_on=False))
    assert without == expected - {"--master-data=2", "--source-data=2"}
