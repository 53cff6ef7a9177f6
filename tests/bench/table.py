"""The rows of the result: as a table for people, as JSON for machines."""

from __future__ import annotations

import os
import platform
import statistics
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_HEADINGS = ("", "figure", "target", "ratio", "")


@dataclass(frozen=True, slots=True)
class Target:
    """A bound of a figure: at most or at least so much."""

    bound: float
    is_at_most: bool = False

    def holds(self, value: float) -> bool:
        """Whether a figure is within it."""
        return value <= self.bound if self.is_at_most else value >= self.bound

    def __str__(self) -> str:
        return f"{'≤' if self.is_at_most else '≥'} {self.bound:g}"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    Attributes:
        samples: one figure a repetition.
        is_peak: whether the highest sample counts, not the median.
        ratios: to the floor, or to whatever the row's name says, each measured right beside its sample; empty where
            none applies.
    """

    name: str
    unit: str
    samples: Sequence[float]
    target: Target | None = None
    ratios: Sequence[float] = ()
    ratio_target: Target | None = None
    is_peak: bool = False

    @property
    def figure(self) -> float:
        """The median; of peaks, the highest."""
        return max(self.samples) if self.is_peak else statistics.median(self.samples)

    @property
    def ratio(self) -> float | None:
        """The median of the ratios."""
        return statistics.median(self.ratios) if self.ratios else None

    @property
    def is_ok(self) -> bool | None:
        """Whether all its targets hold; None when it has none."""
        checks = [self.target.holds(self.figure)] if self.target else []
        if self.ratio_target and self.ratio is not None:
            checks.append(self.ratio_target.holds(self.ratio))
        return all(checks) if checks else None

    def cells(self) -> tuple[str, ...]:
        """Show it."""
        target = f"{self.target} {self.unit}" if self.target else ""
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}"
        if self.ratio_target:
            ratio += f" ({self.ratio_target})"
        verdict = {True: "ok", False: "MISS", None: ""}[self.is_ok]
        return self.name, f"{_number(self.figure)} {self.unit}", target, ratio, verdict

    def document(self) -> dict[str, object]:
        """Write it for `bench.json`."""
        return {
            "name": self.name,
            "unit": self.unit,
            "figure": round(self.figure, 4),
            "samples": [round(sample, 4) for sample in self.samples],
            "target": str(self.target) if self.target else None,
            "ratio": None if self.ratio is None else round(self.ratio, 4),
            "ratios": [round(ratio, 4) for ratio in self.ratios],
            "ratio_target": str(self.ratio_target) if self.ratio_target else None,
            "ok": self.is_ok,
        }


def render(rows: Sequence[Row]) -> str:
    """Lay the rows out as one table."""
    cells = [_HEADINGS, *(row.cells() for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(_HEADINGS))]
    lines = []
    for name, figure, *rest in cells:
        padded = [cell.ljust(width) for cell, width in zip(rest, widths[2:], strict=True)]
        lines.append("  ".join([name.ljust(widths[0]), figure.rjust(widths[1]), *padded]).rstrip())
    lines.insert(1, "─" * (sum(widths) + 2 * len(widths) - 2))
    return "\n".join(lines)


def write_json(path: Path, rows: Sequence[Row], *, is_quick: bool) -> None:
    """Write all samples, and the circumstances they were taken in."""
    document = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "quick": is_quick,
        "machine": {
            "cpus": os.cpu_count(),
            "kernel": platform.release(),
            "python": platform.python_version(),
            "load_average": [round(load, 2) for load in os.getloadavg()],
        },
        "rows": [row.document() for row in rows],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2))


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.2f}"
