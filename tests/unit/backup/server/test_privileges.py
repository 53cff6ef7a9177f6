"""What an account lacks is named, however what it has was granted."""

from __future__ import annotations

import pytest

from vawsum_agent.backup.manifest import Database
from vawsum_agent.backup.server.facts import Flavour, Server
from vawsum_agent.backup.server.privileges import Privilege, missing, needed


def server(
    flavour: Flavour, number: tuple[int, int, int], *, is_binlog_on: bool = True, is_all: bool = False
) -> Server:
    """Make one with a database."""
    return Server(
        flavour=flavour,
        version="x",
        number=number,
        is_binlog_on=is_binlog_on,
        net_write_timeout_s=60,
        databases=[Database(name="sh_op")],
        tables=[],
        is_all=is_all,
    )


MARIADB = server("mariadb", (10, 11, 19))
OF_TABLES = "SELECT, SHOW VIEW, TRIGGER, EVENT"


@pytest.mark.parametrize(
    "told",
    [
        ["GRANT ALL PRIVILEGES ON *.* TO `root`@`localhost` WITH GRANT OPTION"],
        [f"GRANT {OF_TABLES} ON *.* TO `b`@`localhost` IDENTIFIED BY PASSWORD '*1'"],
        [
            "GRANT USAGE ON *.* TO `b`@`%`",
            f"GRANT {OF_TABLES} ON `sh\\_op`.* TO `b`@`%`",
            "GRANT SELECT ON `mysql`.* TO `b`@`%`",
        ],
        [f"GRANT {OF_TABLES} ON `%`.* TO `role`"],
    ],
)
def test_enough(told: list[str]) -> None:
    """Everything, by name, on each database, by pattern, through a role: all of it is enough."""
    assert missing(needed(MARIADB), told) == []


def test_what_is_missing() -> None:
    """Grants on a table, on another database or on routines give nothing that is needed."""
    told = [
        "GRANT SELECT, SHOW VIEW ON `sh\\_op`.* TO `b`@`%`",
        "GRANT SELECT, TRIGGER ON `sh_op`.`t` TO `b`@`%`",
        "GRANT TRIGGER, EVENT ON `shop`.* TO `b`@`%`",
        "GRANT EVENT ON `sh\\_o`.* TO `b`@`%`",
        "GRANT `r` TO `b`@`%`",
    ]
    assert missing(needed(MARIADB), told) == [
        Privilege("TRIGGER", "sh_op"),
        Privilege("EVENT", "sh_op"),
        Privilege("SELECT", "mysql"),
    ]
    assert Privilege("EVENT", "sh_op").grant("`b`@`%`") == "GRANT EVENT ON `sh_op`.* TO `b`@`%`"


def test_by_flavour() -> None:
    """Where there is a binary log MySQL stops writes to learn its position; it guards routines."""
    assert {privilege.name for privilege in needed(MARIADB)} == {"SELECT", "SHOW VIEW", "TRIGGER", "EVENT"}
    without = {privilege.name for privilege in needed(server("mysql", (8, 0, 36), is_binlog_on=False))}
    assert "RELOAD" not in without
    names = {privilege.name for privilege in needed(server("mysql", (8, 0, 36)))}
    assert {"RELOAD", "REPLICATION CLIENT", "SHOW_ROUTINE"} <= names
    assert Privilege("SHOW CREATE ROUTINE", "sh_op") in needed(server("mariadb", (11, 4, 2)))


def test_all_databases() -> None:
    """Who is to dump all databases must see all: by the privilege for that, or as one who reads them all."""
    of_one = [f"GRANT {OF_TABLES} ON `sh\\_op`.* TO `b`@`%`", "GRANT SELECT ON `mysql`.* TO `b`@`%`"]
    wanted = needed(server("mariadb", (10, 11, 19), is_all=True))
    assert missing(wanted, of_one) == [Privilege("SHOW DATABASES")]
    assert missing(wanted, ["GRANT SHOW DATABASES ON *.* TO `b`@`%`", *of_one]) == []
    assert missing(wanted, [f"GRANT {OF_TABLES} ON *.* TO `b`@`%`"]) == []
