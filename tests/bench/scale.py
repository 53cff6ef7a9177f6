"""How much is measured: enough to trust, or just enough to see while developing."""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scale:
    """Sizes in bytes of a log file, repetitions, seconds of idling, lines, rounds of sampling, pictures to move.

    And files of a release, and megabytes of SQL that a database comes to; ``VAWSUM_BENCH_DATABASE_MB`` in the
    environment goes before.
    """

    access_bytes: int
    other_bytes: int
    rounds: int
    settle_s: float
    idle_s: float
    lines: int
    samplings: int
    pictures: int
    release_files: int
    database_mb: int


FULL = Scale(
    access_bytes=400_000_000,
    other_bytes=200_000_000,
    rounds=4,
    settle_s=5.0,
    idle_s=60.0,
    lines=24,
    samplings=50,
    pictures=20_000,
    release_files=5_000,
    database_mb=int(os.environ.get("VAWSUM_BENCH_DATABASE_MB", "800")),
)
QUICK = Scale(
    access_bytes=100_000_000,
    other_bytes=50_000_000,
    rounds=2,
    settle_s=2.0,
    idle_s=8.0,
    lines=5,
    samplings=10,
    pictures=4_000,
    release_files=1_000,
    database_mb=int(os.environ.get("VAWSUM_BENCH_DATABASE_MB", "60")),
)
