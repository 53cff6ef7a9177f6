"""Backups on a booted host: MariaDB as the distribution has it, an account with what the documentation grants."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from sandbox.host.school import DATABASE, make_school
from tests.e2e.agent_on_host import AgentOnHost
from tests.integration.backup.published import Published
from tests.integration.backup.vaults import vault_for

if TYPE_CHECKING:
    from sandbox.client import Sandbox
    from tests.e2e.host.booted import BootedHost
    from tests.integration.backup.copies import Copy

BUCKET = "vawsum-backups"
PREFIX = "mysql/"
SERVER = "test-db"
FOLDER = f"{PREFIX}{SERVER}/"
STATE = "/var/lib/vawsum-agent"
OPTION_FILE = "/etc/vawsum-agent/mysql.cnf"
ADMIN_FILE = "/root/restore.cnf"
PASSWORD = "chalk & duster"
MEGABYTES = 3
CONFIG = f"""
[agent]
role = "db"
environment = "test"
instance_id = "i-0e2e"
region = "ap-south-1"

[backup]
bucket = "{BUCKET}"
prefix = "{PREFIX}"
schedule = "0 0 * * *"
timezone = "Asia/Kolkata"

[backup.drill]
schedule = "0 4 * * *"
"""
# The network is this machine's; the tests want nothing of it but the local AWS.
SERVER_OPTIONS = """
[mariadbd]
skip_networking = ON
log_bin = binlog
server_id = 1
innodb_buffer_pool_size = 64M
"""
# Whom a restore and the grants that are backed up are about.
OTHERS = f"""
CREATE USER 'restorer'@'localhost' IDENTIFIED BY '{PASSWORD}';
GRANT ALL PRIVILEGES ON *.* TO 'restorer'@'localhost' WITH GRANT OPTION;
CREATE USER 'teacher'@'%' IDENTIFIED BY 'board';
GRANT SELECT, UPDATE ON {DATABASE}.marks TO 'teacher'@'%';
"""
DOCUMENTED = re.compile(r"MariaDB:\n\n +```sql\n(.*?)```", re.DOTALL)
SOCKET = "/run/mysqld/mysqld.sock"
DAY_S = 86_400


class BackupOnHost(AgentOnHost):
    """The daemon that backs up, under systemd, and the database beside it."""

    def __init__(self, host: BootedHost, sandbox: Sandbox) -> None:
        super().__init__(host, sandbox)
        sandbox.create_bucket(BUCKET)

    def make_database(self) -> None:
        """Start MariaDB with the school's database, and write what the agent needs to know of it."""
        self.host.write("/etc/mysql/mariadb.conf.d/99-test.cnf", SERVER_OPTIONS)
        self.host.run("systemctl start mariadb", timeout_s=120)
        self.host.write("/root/school.sql", make_school(MEGABYTES) + documented_account() + OTHERS)
        self.host.run("mariadb </root/school.sql", timeout_s=120)
        self.host.write(OPTION_FILE, client("vawsum-backup"), mode=0o600, owner="vawsum-agent:vawsum-agent")
        self.host.write(ADMIN_FILE, client("restorer"), mode=0o600)

    def was_off_at_midnight(self) -> None:
        """Let the host look as if its schedules had been known since yesterday, and nobody had been there since."""
        since = time.time() - DAY_S
        noted = {
            kind: {"schedule": schedule, "timezone": "Asia/Kolkata", "since": since}
            for kind, schedule in (("backup", "0 0 * * *"), ("drill", "0 4 * * *"))
        }
        self.host.run(f"install -d -o vawsum-agent -g vawsum-agent -m 0750 {STATE} {STATE}/backup")
        self.host.write(f"{STATE}/backup/schedules.json", json.dumps(noted), owner="vawsum-agent:vawsum-agent")

    def objects(self, name: str) -> list[str]:
        """The backups that have an object of this name, such as ``manifest.json``."""
        keys = [item.key.removeprefix(FOLDER).split("/") for item in self.sandbox.objects(BUCKET, FOLDER)]
        return [parts[0] for parts in keys if parts[1:] == [name]]

    def manifest(self, backup_id: str) -> dict[str, Any]:
        """What a backup says of itself."""
        told: dict[str, Any] = json.loads(self.sandbox.object_bytes(BUCKET, f"{FOLDER}{backup_id}/manifest.json"))
        return told

    def backup_status(self) -> dict[str, Any]:
        """What ``status`` says of backups."""
        found: dict[str, Any] = next(part for part in self.status()["components"] if part["name"] == "backup")
        return found

    def command(self, arguments: str, *, timeout_s: float = 60) -> str:
        """What root gets when typing ``vawsum-agent …``, with the credentials of the local AWS."""
        aws = " ".join(f"{key}='{value}'" for key, value in self.sandbox.environment().items() if key[:4] == "AWS_")
        # Not root's own home: another test has put there what the daemon must not read.
        return self.host.run(f"env HOME=/nonexistent {aws} vawsum-agent {arguments}", timeout_s=timeout_s).stdout

    def expect_restorable(self, copy: Copy) -> None:
        """Restore all that is published, by the rights of the host, into a server out here, and compare it."""
        reader = copy.folder / "host.cnf"
        reader.touch(mode=0o600)
        reader.write_text(client("restorer", f"/proc/{self._mariadbd()}/root{SOCKET}"))
        keys = {stored.key for stored in self.sandbox.objects(BUCKET)}
        Published(vault_for(self.sandbox, copy.folder), PREFIX, copy, reader).expect_restorable(keys)

    def _mariadbd(self) -> int:
        """The id of the host's database server as it is seen from out here."""
        inside = self.host.run("readlink /proc/self/ns/pid").stdout.strip()
        servers = [process.pid for process in psutil.process_iter() if process.name() == "mariadbd"]
        (pid,) = (pid for pid in servers if str(Path(f"/proc/{pid}/ns/pid").readlink()) == inside)
        return pid

    def sql(self, statement: str) -> str:
        """What the server answers to root."""
        return self.host.run(f'mariadb -N -e "{statement}"').stdout.strip()

    def count(self, table: str) -> int:
        """How many rows a table has."""
        return int(self.sql(f"SELECT COUNT(*) FROM {DATABASE}.{table}"))  # noqa: S608 - our own names

    def dump(self) -> str:
        """The SHA-256 of what the server's own dump program makes of the database."""
        options = "--single-transaction --routines --events --triggers --hex-blob --skip-dump-date"
        return self.host.run(f"mariadb-dump {options} --databases {DATABASE} | sha256sum").stdout


def client(user: str, socket: str = SOCKET) -> str:
    """An option file of an account."""
    return f'[client]\nuser = {user}\npassword = "{PASSWORD}"\nsocket = {socket}\n'


def documented_account() -> str:
    """What the documentation has people type to make the account that backs up."""
    text = (Path(__file__).parents[2] / "docs" / "backup.md").read_text(encoding="utf-8")
    found = DOCUMENTED.search(text)
    assert found is not None
    return found[1].replace("…", PASSWORD)
