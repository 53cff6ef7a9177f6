"""S3 that takes little: the server does not cut the dump, and memory stays flat."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

import psutil
import pytest

from sandbox.servers.mariadb import MariaDb
from tests.counts import count
from tests.integration.backup.hosts import SERVER, DatabaseHost
from vawsum_agent.backup.names import BackupName

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sandbox import Sandbox

MEGABYTES = count(64, 160)
BYTES_PER_S = count(6, 1) * 1_000_000
NET_WRITE_TIMEOUT_S = count(10, 20)
MOST_RESIDENT = 150 << 20


@pytest.fixture
def source(tmp_path: Path) -> Iterator[MariaDb]:
    """A server of little patience, with data that can't be compressed."""
    options = [f"net_write_timeout = {NET_WRITE_TIMEOUT_S}", "max_allowed_packet = 64M"]
    with MariaDb(tmp_path / "source", options=options) as server:
        server.execute("CREATE DATABASE school; CREATE TABLE school.photos (id INT PRIMARY KEY, photo LONGBLOB)")
        fill = f"INSERT INTO photos SELECT seq, RANDOM_BYTES(1000) FROM seq_1_to_{MEGABYTES * 1000}"  # noqa: S608 - ours
        server.execute(fill, database="school")
        yield server


@pytest.fixture
def origin(source: MariaDb) -> MariaDb:
    """Whose backups these are."""
    return source


def test_slow_s3(tmp_path: Path, sandbox: Sandbox, source: MariaDb, tell: Callable[[str], None]) -> None:
    """The dump waits for S3 for longer than the server would wait for it."""
    host = DatabaseHost(tmp_path / "host", sandbox, source.option_file)
    sandbox.fault("bandwidth", operation="s3:UploadPart", bytes_per_s=BYTES_PER_S / 2)  # of each of two
    most = 0
    began = time.monotonic()
    with host.start("backup", "run", "--no-verify") as process:
        own = psutil.Process(process.pid)
        while process.poll() is None:
            with contextlib.suppress(psutil.NoSuchProcess):
                most = max(most, own.memory_info().rss)
            time.sleep(0.1)
        assert process.returncode == 0, process.stderr.read() if process.stderr else ""
    took_s = time.monotonic() - began
    (backup_id,) = host.ids()
    manifest = host.catalog().manifest(BackupName(SERVER, backup_id))
    assert [frame.rows for frame in manifest.tables()] == [MEGABYTES * 1000]
    assert took_s > manifest.dump.size_bytes / BYTES_PER_S / 2
    assert took_s > NET_WRITE_TIMEOUT_S
    assert most < MOST_RESIDENT
    tell(f"{manifest.dump.size_bytes / 1e6:.0f} MB in {took_s:.0f} s, resident at most {most / 1e6:.0f} MB")
