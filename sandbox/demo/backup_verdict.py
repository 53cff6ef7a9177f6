"""What the backup scene compares: a database before and after, by what the server's own dump program makes of it."""

from __future__ import annotations

import hashlib
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandbox.host.school import DATABASE, PAYMENTS
from sandbox.servers.process import ServerError

if TYPE_CHECKING:
    from sandbox.servers.mariadb import MariaDb

_OPTIONS = (
    "--single-transaction",
    "--routines",
    "--events",
    "--triggers",
    "--hex-blob",
    "--default-character-set=utf8mb4",
    "--skip-dump-date",
    "--databases",
)


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A database as `mariadb-dump` writes it: schema, rows, views, routines, triggers, events.

    Attributes:
        size_bytes: of the SQL.
        sha256: of the SQL, hexadecimal.
    """

    size_bytes: int
    sha256: str

    def __str__(self) -> str:
        return f"{self.size_bytes:,} bytes, SHA-256 {self.sha256[:12]}…"


def take_fingerprint(server: MariaDb) -> Fingerprint:
    """Dump the school's database. Raises ServerError."""
    command = ["mariadb-dump", f"--defaults-file={server.option_file}", *_OPTIONS, DATABASE]
    digest, size = hashlib.sha256(), 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as dump:
        while block := dump.stdout.read(1 << 20) if dump.stdout else b"":
            digest.update(block)
            size += len(block)
    if dump.returncode:
        message = f"mariadb-dump ended with {dump.returncode}"
        raise ServerError(message)
    return Fingerprint(size, digest.hexdigest())


@dataclass(frozen=True, slots=True)
class Paid:
    """The payments in a copy, as its tables tell of them.

    Attributes:
        fees, messages: how many payments each table has.
        sum_of_fees, total: what they come to, added up and as the running total has it.
    """

    fees: int
    messages: int
    sum_of_fees: int
    total: int

    @property
    def is_consistent(self) -> bool:
        """Whether no transaction is there in part."""
        return self.fees == self.messages and self.sum_of_fees == self.total


def read_paid(server: MariaDb) -> Paid:
    """Ask a copy for its payments. Raises ServerError."""
    return Paid(*(int(text) for text in server.execute(PAYMENTS).split()))


def read_grants(server: MariaDb, account: str) -> str:
    """Return what an account may, its password's hash included; empty where there is none."""
    try:
        return server.execute(f"SHOW GRANTS FOR {account}")
    except ServerError:
        return ""


def count_rows(server: MariaDb, table: str) -> int:
    """Return how many rows a table has; -1 where there is none."""
    try:
        return int(server.execute(f"SELECT COUNT(*) FROM {DATABASE}.{table}"))  # noqa: S608 - our own names
    except ServerError:
        return -1
