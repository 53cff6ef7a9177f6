"""A restore's wall time beside `zstd -dc | mariadb`: the same bytes into the same server, in turns."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sandbox.host.school import DATABASE, SMALL_TABLE
from tests.bench.backups import BUCKET, PREFIX, backup_command
from tests.bench.daemon import BenchError
from tests.bench.database import empty_server, school_server
from tests.bench.files import MEGABYTE
from tests.bench.keeping_bucket import KeepingBucket
from tests.bench.table import Row, Target
from tests.bench.uploading import pointed_to
from tests.bench.watched import time_pipe, watch
from vawsum_agent.aws.backup_bucket import BackupBucket
from vawsum_agent.aws.session import connect
from vawsum_agent.backup.manifest import LARGEST_BYTES, Manifest, decode
from vawsum_agent.backup.names import DUMP, MANIFEST

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.servers.mariadb import MariaDb
    from tests.bench.scale import Scale
    from tests.bench.watched import Watched

_MOST_ROUNDS = 2
_OF_PIPE, _OF_FULL = Target(1.5), Target(0.05, is_at_most=True)
_JOBS = "2"


def restoring(directory: Path, scale: Scale) -> list[Row]:
    """Restore all by ours and by the pipe, and then one table by ours.

    Raises:
        BenchError: one of them failed, or did not restore everything, or MariaDB is not installed.
    """
    ours: list[Watched] = []
    theirs: list[float] = []
    small: list[float] = []
    with KeepingBucket(directory / "bucket") as bucket:
        environment, state = bucket.environment(), directory / "state"
        # Half of what is dumped: a restore takes ten times as long.
        with school_server(directory, max(1, scale.database_mb // 2)) as source:
            watch(backup_command(state, source, "run", "--no-verify"), environment)
            rows = _count(source)
        dump, manifest = _fetch(directory, bucket)
        with empty_server(directory / "target") as target:
            into = ("--into", str(target.option_file))
            pipe = f"zstd -q -dc {dump} | mariadb --defaults-file={target.option_file}"
            for turn in range(min(scale.rounds, _MOST_ROUNDS)):
                for is_ours in (True, False) if turn % 2 else (False, True):
                    target.execute(f"DROP DATABASE IF EXISTS {DATABASE}; RESET MASTER")
                    if is_ours:
                        ours.append(
                            watch(backup_command(state, target, "restore", "--jobs", _JOBS, *into), environment)
                        )
                    else:
                        theirs.append(time_pipe(pipe))
                    _check(target, rows)
                target.execute(f"DROP TABLE {DATABASE}.{SMALL_TABLE}")
                table = ("restore", "--table", f"{DATABASE}.{SMALL_TABLE}", *into, "--force")
                small.append(watch(backup_command(state, target, *table), environment).wall_s)
                _check(target, rows)
    return _rows(manifest, ours, theirs, small)


def _rows(manifest: Manifest, ours: list[Watched], theirs: list[float], small: list[float]) -> list[Row]:
    walls = [mine.wall_s for mine in ours]
    (table,) = [frame for frame in manifest.tables() if frame.name == SMALL_TABLE]
    share = 100 * table.raw_bytes / manifest.dump.raw_bytes
    what = f"restoring {manifest.dump.raw_bytes / MEGABYTE:,.0f} MB of SQL"
    faster = [other / mine for mine, other in zip(walls, theirs, strict=True)]
    of_full = [one / full for one, full in zip(small, walls, strict=True)]
    peaks = [mine.peak_rss / MEGABYTE for mine in ours]
    return [
        Row(f"{what}, --jobs {_JOBS}; times as fast as zstd -dc | mariadb", "s", walls, None, faster, _OF_PIPE),
        Row(f"{what}, by zstd -dc | mariadb", "s", theirs),
        Row(f"restoring a table of {share:.1f} % of it; share of the time", "s", small, None, of_full, _OF_FULL),
        Row("most resident, restoring", "MB", peaks, is_peak=True),
    ]


def _fetch(directory: Path, bucket: KeepingBucket) -> tuple[Path, Manifest]:
    """Put the dump into a file, for the pipe."""
    path = directory / DUMP
    with pointed_to(bucket):
        opened = BackupBucket(connect("ap-south-1"), BUCKET)
        objects = {row.key.rpartition("/")[2]: row for row in opened.listing(PREFIX)}
        read = opened.read(objects[MANIFEST].key, LARGEST_BYTES)
        if read is None:
            message = "the backup has no manifest"
            raise BenchError(message)
        with path.open("wb") as file:
            for block in opened.read_range(objects[DUMP].key, 0, objects[DUMP].size_bytes):
                file.write(block)
            os.fsync(file.fileno())
    return path, decode(read.body, MANIFEST)


def _count(server: MariaDb) -> dict[str, int]:
    """Count the rows of every table."""
    names = server.execute("SHOW FULL TABLES WHERE Table_type = 'BASE TABLE'", database=DATABASE).split()[::3]
    return {
        name: int(server.execute(f"SELECT COUNT(*) FROM {name}", database=DATABASE, timeout_s=600))  # noqa: S608 - ours
        for name in names
    }


def _check(server: MariaDb, rows: dict[str, int]) -> None:
    there = _count(server)
    if there != rows:
        message = f"restored were {there}, and there should be {rows}"
        raise BenchError(message)
