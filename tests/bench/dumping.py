"""A backup's wall time beside the pipes that it replaces: the same dump program, options and server, in turns."""

from __future__ import annotations

import json
import os
import shlex
import shutil
from typing import TYPE_CHECKING

from sandbox.host.school import DATABASE
from tests.bench.backups import BUCKET, backup_command
from tests.bench.daemon import BenchError
from tests.bench.database import school_server
from tests.bench.files import MEGABYTE
from tests.bench.keeping_bucket import KeepingBucket
from tests.bench.table import Row, Target
from tests.bench.watched import time_pipe, watch
from vawsum_agent.backup.dump.options import dump_command
from vawsum_agent.backup.server.programs import find_dump

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sandbox.servers.mariadb import MariaDb
    from tests.bench.scale import Scale
    from tests.bench.watched import Watched

_MOST_ROUNDS = 3
_OF_ZSTD, _OF_GZIP = Target(1.15, is_at_most=True), Target(0.5, is_at_most=True)
_RESIDENT = Target(150, is_at_most=True)


def dumping(directory: Path, scale: Scale) -> list[Row]:
    """Back up, and dump into nothing, through zstd and through gzip, in turns.

    Raises:
        BenchError: one of them failed, or MariaDB is not installed.
    """
    ours: list[Watched] = []
    by_zstd: list[float] = []
    by_gzip: list[float] = []
    alone: list[float] = []
    with school_server(directory, scale.database_mb) as server, KeepingBucket(directory / "bucket") as bucket:
        dump = shlex.join(dump_command(find_dump("mariadb"), str(server.option_file), [DATABASE], is_binlog_on=True))
        to_s3, target = _to_s3()
        environment = bucket.environment()
        time_pipe(f"{dump} >/dev/null")  # what the server reads is in its memory from here on
        turns: list[Callable[[], None]] = [
            lambda: by_zstd.append(time_pipe(f"{dump} | zstd -q -3 >/dev/null")),
            lambda: ours.append(_back_up(directory, server, environment)),
            lambda: alone.append(time_pipe(f"{dump} >/dev/null")),
            lambda: by_gzip.append(time_pipe(f"{dump} | gzip | {to_s3}", environment)),
        ]
        for _ in range(min(scale.rounds, _MOST_ROUNDS)):
            for turn in turns:
                turn()
            turns.reverse()
        checked = watch(backup_command(directory / "state", server, "verify"), environment)
        raw_mb = _raw_bytes(directory, server, environment) / MEGABYTE
    of_zstd = [mine.wall_s / theirs for mine, theirs in zip(ours, by_zstd, strict=True)]
    of_gzip = [mine.wall_s / theirs for mine, theirs in zip(ours, by_gzip, strict=True)]
    floor = [nothing_else / theirs for nothing_else, theirs in zip(alone, by_gzip, strict=True)]
    what, walls = f"backing up {raw_mb:,.0f} MB of SQL", [mine.wall_s for mine in ours]
    return [
        Row(f"{what}; ratio to dump | zstd -3 >/dev/null", "s", walls, None, of_zstd, _OF_ZSTD),
        Row(f"{what}; ratio to dump | gzip | {target}", "s", walls, None, of_gzip, _OF_GZIP),
        Row(f"{what}, by dump | zstd -3", "s", by_zstd),
        Row(f"{what}, by dump | gzip | {target}", "s", by_gzip),
        Row(f"{what}, by the dump alone; ratio to dump | gzip | {target}", "s", alone, None, floor),
        Row(f"{what}, a second", "MB/s", [raw_mb / wall for wall in walls]),
        Row("most resident, backing up", "MB", [mine.peak_rss / MEGABYTE for mine in ours], _RESIDENT, is_peak=True),
        Row("reading it back from S3 afterwards", "s", [checked.wall_s]),
    ]


def _back_up(directory: Path, server: MariaDb, environment: dict[str, str]) -> Watched:
    """Run it to the published manifest; reading it back is measured by itself."""
    return watch(backup_command(directory / "state", server, "run", "--no-verify"), environment)


def _raw_bytes(directory: Path, server: MariaDb, environment: dict[str, str]) -> int:
    said = watch(backup_command(directory / "state", server, "list", "--json"), environment).said
    backups = json.loads(said)["backups"]
    if not backups:
        message = "no backup is listed"
        raise BenchError(message)
    return int(backups[-1]["raw_bytes"])


def _to_s3() -> tuple[str, str]:
    """Return where the old pipe ends, and its name: without the AWS CLI nowhere, which can only be faster."""
    if shutil.which("aws") is None:
        return "cat >/dev/null", "nothing (no aws here)"
    region = f"AWS_DEFAULT_REGION=ap-south-1 AWS_CONFIG_FILE={os.devnull}"
    return f"{region} aws s3 cp --only-show-errors - s3://{BUCKET}/old/$RANDOM.sql.gz", "aws s3 cp -"
