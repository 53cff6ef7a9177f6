"""Dumps of a real MariaDB for tests: a server, writers that keep or act, and what came of a dump."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

import pytest
import zstandard

from sandbox.servers.mariadb import MariaDb
from sandbox.servers.process import ServerError
from vawsum_agent.backup.dump.dump import Dumped, DumpRequest, dump
from vawsum_agent.backup.server.facts import read_server
from vawsum_agent.backup.server.programs import find_dump

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from vawsum_agent.backup.dump.dump import Writer

LARGE = (
    "CREATE DATABASE IF NOT EXISTS large; USE large;"
    " CREATE TABLE a (id INT PRIMARY KEY, v VARBINARY(2000));"
    " INSERT INTO a SELECT seq, RANDOM_BYTES(1000) FROM seq_1_to_20000;"
    " CREATE TABLE z (id INT PRIMARY KEY); INSERT INTO z VALUES (1)"
)
"""About 40 MB of SQL that can't be compressed below 20; and a small table that comes last."""


class Kept:
    """A writer that keeps all of it, and may do something once when so much has come."""

    def __init__(self, act: Callable[[], object] = lambda: None, at_bytes: int = 1) -> None:
        self.content = bytearray()
        self._act = act
        self._at_bytes = at_bytes
        self._has_acted = False

    def write(self, block: bytes) -> None:
        """See `Writer`."""
        self.content += block
        if len(self.content) >= self._at_bytes and not self._has_acted:
            self._has_acted = True
            self._act()

    def wait_for_room(self, timeout_s: float) -> bool:
        """See `Writer`."""
        del timeout_s
        return True


class Stalling(Kept):
    """A writer whose sending stands still for a while; what it is given meanwhile it takes."""

    def __init__(self, stall_s: float) -> None:
        super().__init__()
        self._until = time.monotonic() + stall_s
        self.taken_meanwhile = 0

    def wait_for_room(self, timeout_s: float) -> bool:
        """See `Writer`."""
        if time.monotonic() >= self._until:
            return True
        self.taken_meanwhile = len(self.content)
        time.sleep(min(timeout_s, max(0.0, self._until - time.monotonic())))
        return False


@contextlib.contextmanager
def started(directory: Path, options: Sequence[str] = ()) -> Iterator[MariaDb]:
    """Run a server with a binary log; the test is skipped where there is none."""
    own = ["server_id = 7", "log_bin = binlog", "max_allowed_packet = 512M", "slow_query_log = OFF"]
    with contextlib.ExitStack() as stack:
        server = MariaDb(directory, options=[*own, *options])
        try:
            stack.enter_context(server)
        except (ServerError, FileNotFoundError) as error:
            pytest.skip(f"no MariaDB: {error}")
        yield server


def dumped(
    server: MariaDb, writer: Writer, databases: Sequence[str] = (), is_cancelled: Callable[[], bool] = lambda: False
) -> Dumped:
    """Dump a server, as root or whom the option file names."""
    found = read_server(str(server.option_file), databases)
    request = DumpRequest(server=found, program=find_dump(found.flavour), option_file=str(server.option_file))
    return dump(request, writer, is_cancelled=is_cancelled)


def unpacked(content: bytes, dumped: Dumped) -> list[bytes]:
    """Decompress each frame alone."""
    decompressor = zstandard.ZstdDecompressor()
    return [
        decompressor.decompressobj().decompress(content[frame.offset : frame.offset + frame.size_bytes])
        for frame in dumped.frames
    ]
