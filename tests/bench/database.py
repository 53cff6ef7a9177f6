"""The servers that are dumped and restored into: MariaDB as a production host has it, with the school's database.

The database is made once, by SQL, and kept in `build/bench-data`: for 800 MB that takes minutes.
"""

from __future__ import annotations

import hashlib
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sandbox.host.school import make_school
from sandbox.servers.mariadb import MariaDb
from tests.bench.daemon import BenchError
from tests.bench.files import FOLDER

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OPTIONS = (
    "log_bin = binlog",
    "server_id = 1",
    "slow_query_log = OFF",
    "innodb_buffer_pool_size = 2G",
    "innodb_log_file_size = 512M",
    "max_allowed_packet = 64M",
)
_MAKING_S = 1800.0


@contextmanager
def school_server(directory: Path, megabytes: int) -> Iterator[MariaDb]:
    """Run a server with the school's database.

    Args:
        directory: for all but the data.
        megabytes: of SQL, about.

    Raises:
        BenchError: MariaDB is not installed.
    """
    name = hashlib.sha256("\n".join((*OPTIONS, make_school(megabytes))).encode()).hexdigest()[:12]
    made = FOLDER / f"school-{megabytes}-{name}"
    if not made.exists():
        partial = made.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        with empty_server(directory / "making", partial) as server:
            server.execute(make_school(megabytes), timeout_s=_MAKING_S)
        partial.rename(made)
    with empty_server(directory / "source", made) as server:
        yield server


@contextmanager
def empty_server(directory: Path, data: Path | None = None) -> Iterator[MariaDb]:
    """Run a server of the same settings.

    Args:
        directory: its own.
        data: where its data are, or are to be; in ``directory`` unless given.

    Raises:
        BenchError: MariaDB is not installed.
    """
    if shutil.which("mariadbd", path="/usr/sbin:/usr/bin") is None:
        message = "MariaDB is not installed: run make setup"
        raise BenchError(message)
    directory.mkdir()
    server = MariaDb(directory, options=OPTIONS)
    if data is not None:
        server.data_directory = data / "data"
    with server:
        yield server
