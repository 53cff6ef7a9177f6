"""Where a line's time goes before it is sent: the reader's steps one by one, in this process, in ms a megabyte."""

from __future__ import annotations

import cProfile
import io
import pstats
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.bench import files
from tests.bench.table import Row, Target
from vawsum_agent.config.model import LogSource
from vawsum_agent.daemon.process import tune_malloc
from vawsum_agent.logs.batch.compose import Composer
from vawsum_agent.logs.batch.cut import BLOCK_BYTES, cut_entries, cut_lines
from vawsum_agent.logs.batch.stamp import Stamper
from vawsum_agent.logs.batch.trim import trim_to_whole_seconds
from vawsum_agent.logs.formats.registry import make_format
from vawsum_agent.logs.redact import Redactor
from vawsum_agent.logs.requests.tally import tally

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.bench.scale import Scale
    from vawsum_agent.config.model import FormatName
    from vawsum_agent.logs.formats.format import Format

STAGES = ("read", "cut", "layout", "trim", "compose", "compress", "encode layout")
TALLY = "tally"
"""Counting requests; not among the others, since it is done only where it is asked for."""

_PROFILE_LINES = 25


class _Watch:
    """CPU seconds by stage."""

    def __init__(self) -> None:
        self.took: dict[str, float] = dict.fromkeys((*STAGES, TALLY), 0.0)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Count what happens inside to a stage."""
        began = time.thread_time_ns()
        yield
        self.took[name] += (time.thread_time_ns() - began) / 1e9


def stages(scale: Scale, *, with_profile: bool) -> str:
    """Go through each kind of input; returns a table."""
    tune_malloc()
    size = scale.other_bytes
    inputs: list[tuple[str, Path, FormatName, list[str]]] = [
        ("access", files.access_log(size), "apache-access", []),
        ("access, redacting", files.access_log(size), "apache-access", ["password", "token"]),
        ("access, timed", files.timed_access_log(size), "apache-access", []),
        ("5 % late", files.late_access_log(size), "apache-access", []),
        ("one a second", files.sparse_access_log(size), "apache-access", []),
        ("PHP traces", files.php_error_log(size), "php-error", []),
    ]
    columns = (*STAGES, "all", TALLY)
    lines = ["ms of CPU a megabyte".ljust(20) + "".join(stage.rjust(15) for stage in columns) + "  MB a batch"]
    for title, path, name, redact in inputs:
        source = LogSource(name=title, paths=[str(path)], format=name, redact=redact)
        profile = cProfile.Profile() if with_profile else None
        if profile is not None:
            profile.enable()
        watch, batches = _run(path, make_format(source), Composer("group", "stream", Redactor(redact)))
        if profile is not None:
            profile.disable()
            lines.append(_told(title, profile))
        megabytes = path.stat().st_size / files.MEGABYTE
        costs = [watch.took[stage] * 1000 / megabytes for stage in STAGES]
        figures = "".join(f"{cost:15.3f}" for cost in (*costs, sum(costs), watch.took[TALLY] * 1000 / megabytes))
        lines.append(f"{title.ljust(20)}{figures}{megabytes / batches:12.2f}")
    return "\n".join(lines)


def counting(scale: Scale) -> list[Row]:
    """Measure what counting requests adds to reading an access log that grows by a megabyte a second."""
    tune_malloc()
    path = files.timed_access_log(scale.other_bytes)
    log_format = make_format(LogSource(name="timed", paths=[str(path)], format="apache-access"))
    megabytes = path.stat().st_size / files.MEGABYTE
    shares = []
    for _ in range(scale.rounds):
        watch, _ = _run(path, log_format, Composer("group", "stream", Redactor([])))
        shares.append(100 * watch.took[TALLY] / megabytes)
    return [Row("counting requests at 1 MB/s", "% of a core", shares, Target(0.5, is_at_most=True))]


def _run(path: Path, log_format: Format, composer: Composer) -> tuple[_Watch, int]:
    """Do what the reader does for a file whose bytes are all there."""
    watch, stamper, batches = _Watch(), Stamper(log_format), 0
    pending = b""
    with path.open("rb", buffering=0) as file:
        while True:
            with watch.stage("read"):
                data = file.read(BLOCK_BYTES - len(pending))
                block = pending + data
            if not block:
                return watch, batches
            with watch.stage("cut"):
                if log_format.is_multiline and log_format.start is not None:
                    cut = cut_entries(block, log_format.start, is_last=not data, is_settled=False)
                else:
                    cut = cut_lines(block, is_last=not data)
                whole = block[:cut]
            with watch.stage("layout"):
                layout = stamper.layout(whole, time.time(), counts_too_old=False)
            with watch.stage("trim"):
                if data:
                    layout, cut = trim_to_whole_seconds(layout, cut)
                    whole = whole[:cut]
            with watch.stage("compose"):
                composed = composer.compose(whole, layout)
            with watch.stage("compress"):
                composed.digest()
            with watch.stage("encode layout"):
                layout.encode()
            if log_format.name == "apache-access":
                with watch.stage(TALLY):
                    tally("bench", whole, layout)
            pending = block[cut:]
            batches += 1


def _told(title: str, profile: cProfile.Profile) -> str:
    text = io.StringIO()
    pstats.Stats(profile, stream=text).sort_stats("tottime").print_stats(_PROFILE_LINES)
    return f"\n== {title}\n{text.getvalue()}"
