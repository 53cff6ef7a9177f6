"""The rounds of catching up: in each, the floor and every scenario once, so that noise meets all of them alike."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.bench import files
from tests.bench.answering import Answering
from tests.bench.catch_up import catch_up
from tests.bench.floor import floor
from tests.bench.nginx import Nginx
from tests.bench.table import Row, Target

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from tests.bench.catch_up import Run
    from tests.bench.floor import Pace
    from tests.bench.scale import Scale

DELAY_S = 0.1
_PEAK_RSS = Target(85, is_at_most=True)
_PEAK_RSS_WITH_METRICS = Target(95, is_at_most=True)
_OF_FLOOR = Target(0.4)


@dataclass(frozen=True, slots=True)
class Scenario:
    """A way to catch up.

    Attributes:
        target: MB/s wall; for the main one, MB per CPU second and the ratio to the floor as well.
        file: makes its input.
        tables: more of the configuration.
        is_main: whether the figures of one core and the floor are about it.
    """

    key: str
    title: str
    target: Target | None
    file: Callable[[Scale], Path]
    log_format: str = "apache-access"
    redact: tuple[str, ...] = ()
    is_delayed: bool = False
    tables: str = ""
    is_main: bool = False


SCENARIOS = (
    Scenario("catch-up", "catch-up", Target(100), lambda scale: files.access_log(scale.access_bytes), is_main=True),
    Scenario("late", "catch-up, 5 % late lines", Target(80), lambda scale: files.late_access_log(scale.access_bytes)),
    Scenario(
        "delay",
        "catch-up, 100 ms added a request",
        Target(30),
        lambda scale: files.access_log(scale.other_bytes),
        is_delayed=True,
    ),
    Scenario(
        "php",
        "catch-up, PHP stack traces",
        Target(50),
        lambda scale: files.php_error_log(scale.other_bytes),
        "php-error",
    ),
    Scenario(
        "redaction",
        "catch-up, redacting two names",
        None,
        lambda scale: files.access_log(scale.access_bytes),
        redact=("password", "token"),
    ),
    Scenario(
        "requests",
        "catch-up, counting requests",
        Target(60),
        lambda scale: files.timed_access_log(scale.access_bytes),
        tables="[metrics]\nrequests = true\n",
    ),
    Scenario("sparse", "catch-up, one line a second", None, lambda scale: files.sparse_access_log(scale.other_bytes)),
)


def measure(directory: Path, scale: Scale, wanted: Collection[str], say: Callable[[str], None]) -> list[Row]:
    """Run the wanted scenarios, round by round."""
    chosen = [scenario for scenario in SCENARIOS if scenario.key in wanted]
    inputs = {scenario.key: scenario.file(scale) for scenario in chosen}
    floor_input = files.access_log(scale.access_bytes)
    taken: dict[str, list[Run]] = {scenario.key: [] for scenario in chosen}
    floors: list[Pace] = []
    with ExitStack() as stack:
        nginx = stack.enter_context(Nginx(directory / "nginx"))
        answering = stack.enter_context(Answering(directory / "delaying.sock", delay_s=DELAY_S))
        slow_nginx = stack.enter_context(Nginx(directory / "slow-nginx", answering=answering.path))
        for turn in range(scale.rounds):
            say(f"round {turn + 1} of {scale.rounds}: floor")
            floors.append(floor(floor_input, nginx))
            for scenario in chosen:
                say(f"round {turn + 1} of {scale.rounds}: {scenario.title}")
                place = directory / f"{scenario.key}-{turn}"
                through = slow_nginx if scenario.is_delayed else nginx
                run = catch_up(
                    inputs[scenario.key], place, through, scenario.log_format, scenario.redact, scenario.tables
                )
                taken[scenario.key].append(run)
    return _rows(floors, chosen, taken)


def _rows(floors: list[Pace], chosen: list[Scenario], taken: dict[str, list[Run]]) -> list[Row]:
    rows = [
        Row("floor", "MB/s", [pace.mb_per_s for pace in floors]),
        Row("floor, per CPU second", "MB", [pace.mb_per_cpu_s for pace in floors]),
    ]
    for scenario in chosen:
        rows += _rows_of(scenario, taken[scenario.key], floors)
    for scenario in chosen:
        peaks = [run.peak_rss / files.MEGABYTE for run in taken[scenario.key]]
        target = _PEAK_RSS_WITH_METRICS if scenario.tables else _PEAK_RSS
        rows.append(Row(f"most resident, {scenario.title}", "MB", peaks, target, is_peak=True))
    return rows


def _rows_of(scenario: Scenario, runs: list[Run], floors: list[Pace]) -> list[Row]:
    wall = [run.pace.mb_per_s for run in runs]
    cpu = [run.pace.mb_per_cpu_s for run in runs]
    of_wall = [value / pace.mb_per_s for value, pace in zip(wall, floors, strict=True)]
    of_cpu = [value / pace.mb_per_cpu_s for value, pace in zip(cpu, floors, strict=True)]
    ratio_target = _OF_FLOOR if scenario.is_main else None
    cpu_target = scenario.target if scenario.is_main else None
    return [
        Row(scenario.title, "MB/s", wall, scenario.target, of_wall, ratio_target),
        Row(f"{scenario.title}, per CPU second", "MB", cpu, cpu_target, of_cpu),
    ]
