"""What the server's own tables say of who may do what: the truth that the agent's reading of grants is held against."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

_ACCOUNTS = "global_priv"
_OF_OBJECTS = ("tables_priv", "columns_priv", "procs_priv")
_COLUMNS = {
    _ACCOUNTS: "User, Host, Priv",
    "tables_priv": "Db, Host, User, Table_name, Table_priv, Column_priv",
    "columns_priv": "Db, Host, User, Table_name, Column_name, Column_priv",
    "procs_priv": "Db, Host, User, Routine_name, Routine_type, Proc_priv",
    "db": "db.*",
    "proxies_priv": "Host, User, IF(Proxied_host = '', '%', Proxied_host), Proxied_user, With_grant",
    "roles_mapping": "Host, User, Role, Admin_option",
}
_OF_THE_MOMENT = ("password_last_changed", "version_id")
# A new server's root is written in short: all bits, no words about its password.
_ALL_RIGHTS = (1 << 39) - 1
_DEFAULTS = {"access": 0, "plugin": "mysql_native_password", "authentication_string": ""}


def rights(option_file: Path, databases: Collection[str], without: str) -> list[str]:
    """List accounts, their passwords and their rights, but when and by whom they were given; for MariaDB.

    Args:
        option_file: as whom they can be read.
        databases: of rights on single tables and routines, only those that are in these.
        without: a user who does not count.
    """
    query = "".join(
        f"SELECT '{table}', {columns} FROM mysql.{table} WHERE User <> '{without}';"  # noqa: S608 - our own words
        for table, columns in _COLUMNS.items()
    )
    command = ["mariadb", f"--defaults-file={option_file}", "--batch", "--raw", "-N", "-e", query]
    found = []
    for line in subprocess.run(command, capture_output=True, check=True).stdout.decode().splitlines():
        table, *row = line.split("\t")
        if table == _ACCOUNTS:
            row[2] = _plain(row[2])
        if table not in _OF_OBJECTS or row[0] in databases:
            found.append(f"{table}: {row}")
    return sorted(found)


def _plain(private: str) -> str:
    told = {key: value for key, value in json.loads(private).items() if key not in _OF_THE_MOMENT}
    told = _DEFAULTS | told | {"access": told.get("access", 0) & _ALL_RIGHTS}
    return json.dumps(told, sort_keys=True)
