"""Runs the benchmarks: all of them, or those that are named."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from typing import TYPE_CHECKING

import structlog

from sandbox.servers.process import open_directory
from tests.bench.daemon import BenchError
from tests.bench.deploying import deploying
from tests.bench.dumping import dumping
from tests.bench.files import REPOSITORY
from tests.bench.idle import idle
from tests.bench.latency import latency
from tests.bench.moving import moving
from tests.bench.publishing import publishing
from tests.bench.restoring import restoring
from tests.bench.rounds import SCENARIOS, measure
from tests.bench.sampling import sampling_rows
from tests.bench.scale import FULL, QUICK
from tests.bench.stages import counting, stages
from tests.bench.table import Row, render, write_json
from tests.bench.uploading import uploading

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.bench.scale import Scale

_CATCH_UPS = ("floor", *(scenario.key for scenario in SCENARIOS))
_OTHERS: dict[str, Callable[[Path, Scale], list[Row]]] = {
    "idle": idle,
    "latency": latency,
    "counting": lambda _, scale: counting(scale),
    "sampling": lambda _, scale: sampling_rows(scale),
    "publishing": publishing,
    "uploading": uploading,
    "moving": moving,
    "dumping": dumping,
    "restoring": restoring,
    "deploying": deploying,
}
_ALL = (*_CATCH_UPS, *_OTHERS)


def main() -> int:
    """Measure, print the table, write `build/bench.json`. Returns 1 when a target is missed, 2 without figures."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("what", nargs="*", metavar="WHAT", help=f"any of {', '.join(_ALL)}; or stages")
    parser.add_argument("--quick", action="store_true", help="small inputs, about a minute")
    parser.add_argument("--profile", action="store_true", help="with stages: cProfile of each format's pipeline")
    chosen = parser.parse_args()
    scale = QUICK if chosen.quick else FULL
    unknown = set(chosen.what) - {*_ALL, "stages"}
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}; choose from {', '.join(_ALL)}, stages")
    if "stages" in chosen.what:
        print(stages(scale, with_profile=chosen.profile))
        return 0
    # What is measured in this process would otherwise print its log among the progress.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    # Where the agent is installed it is compiled; a shell may keep Python from keeping what it compiled.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    wanted = chosen.what or _ALL
    rows: list[Row] = []
    with open_directory("vawsum-bench-") as directory:
        try:
            if set(wanted) & set(_CATCH_UPS):
                rows += measure(directory, scale, wanted, _say)
            for name, measured in _OTHERS.items():
                if name in wanted:
                    _say(name)
                    (directory / name).mkdir()
                    rows += measured(directory / name, scale)
        except BenchError as error:
            print(error, file=sys.stderr)
            return 2
    print(render(rows))
    write_json(REPOSITORY / "build" / "bench.json", rows, is_quick=chosen.quick)
    return 1 if any(row.is_ok is False for row in rows) else 0


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
