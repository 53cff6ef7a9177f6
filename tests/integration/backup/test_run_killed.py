"""`kill -9` at any moment of a backup: there is a whole one or none, nothing is left behind, and the next run works."""

from __future__ import annotations

import random
import signal
import time
from typing import TYPE_CHECKING

import pytest

from sandbox.servers.mariadb import MariaDb
from tests.counts import IS_SOAK, count
from tests.integration.backup.hosts import PREFIX, DatabaseHost
from vawsum_agent.backup.names import MANIFEST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sandbox import Sandbox

LIMIT_S = 60.0
KILLS = count(4, 100)
DATA = """
CREATE DATABASE school; USE school;
CREATE TABLE pupils (id INT PRIMARY KEY, name VARCHAR(50));
INSERT INTO pupils SELECT seq, MD5(seq) FROM seq_1_to_1000;
CREATE TABLE photos (id INT PRIMARY KEY, photo LONGBLOB);
INSERT INTO photos SELECT seq, RANDOM_BYTES(1024) FROM seq_1_to_12000;
"""

POINTS = [
    ("PutObject", "lease.json"),
    ("CreateMultipartUpload", "dump.sql.zst"),
    ("UploadPart", "dump.sql.zst"),
    ("CompleteMultipartUpload", "dump.sql.zst"),
    ("PutObject", "grants.sql.zst"),
    ("PutObject", "manifest.json"),
    ("PutObject", "verified.json"),
    ("PutObjectTagging", "*"),
]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDb]:
    """A server whose dump takes several parts."""
    with MariaDb(tmp_path_factory.mktemp("source"), options=["log_bin = binlog"]) as server:
        server.execute(DATA)
        yield server


@pytest.fixture
def origin(source: MariaDb) -> MariaDb:
    """Whose backups these are."""
    return source


@pytest.fixture
def host(tmp_path: Path, sandbox: Sandbox, source: MariaDb) -> DatabaseHost:
    """Its host; one backup makes those before it needless."""
    return DatabaseHost(tmp_path / "host", sandbox, source.option_file, more="keep_at_least = 1")


def wait_until(holds: Callable[[], object], what: str) -> None:
    """Wait for something that another process does."""
    ends_at = time.monotonic() + LIMIT_S
    while not holds():
        assert time.monotonic() < ends_at, what
        time.sleep(0.02)


def expect_well_after(host: DatabaseHost, before: list[str]) -> None:
    """The next run publishes at once, whatever was killed left no upload, and what was there is there.

    What exists can be read back; that it restores is seen when the test ends, as of every backup: see `conftest`.
    """
    told = host.backed_up()
    assert list(host.bucket().pending(PREFIX)) == []
    ids = host.ids()
    assert set(before) < set(ids)
    assert ids[-1] == told["backup_id"]
    for backup_id in ids:
        if backup_id not in {*before, told["backup_id"]}:
            ended = host.run("backup", "verify", backup_id)
            assert ended.code == 0, ended.error


MOMENTS = [(operation, leaf, kind) for operation, leaf in POINTS for kind in ("hang", "hang_after")]
"""Each before it is done, and after."""


@pytest.mark.parametrize(("operation", "leaf", "kind"), MOMENTS if IS_SOAK else [MOMENTS[0], *MOMENTS[5:12:2]])
def test_crash_points(host: DatabaseHost, sandbox: Sandbox, kind: str, operation: str, leaf: str) -> None:
    """Killed before, and after, each thing that it does in S3."""
    before = [host.backed_up()["backup_id"]]
    sandbox.fault(kind, operation=f"s3:{operation}", group=f"*{leaf}", count=1)
    with host.start("backup", "run") as process:
        wait_until(lambda: not sandbox.faults(), f"{operation} of {leaf} is asked for")
        process.send_signal(signal.SIGKILL)
    sandbox.calm()
    step, publishing = POINTS.index((operation, leaf)), POINTS.index(("PutObject", MANIFEST))
    is_published = step > publishing or (step == publishing and kind == "hang_after")
    assert len(host.ids()) == (2 if is_published else 1)
    expect_well_after(host, before)


def test_killed_at_random(host: DatabaseHost, tell: Callable[[str], None]) -> None:
    """Killed at any moment, again and again."""
    dice = random.Random(7)
    began = time.monotonic()
    before = [host.backed_up()["backup_id"]]
    took_s = time.monotonic() - began
    killed = 0
    for _ in range(KILLS):
        with host.start("backup", "run") as process:
            time.sleep(dice.random() * took_s * 1.1)
            killed += process.poll() is None
            process.send_signal(signal.SIGKILL)
    published = len(host.ids())
    expect_well_after(host, before)
    assert killed > KILLS / 3
    tell(f"{killed} kills of {KILLS} runs, {published} backups published")
