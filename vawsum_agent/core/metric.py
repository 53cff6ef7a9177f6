"""Metrics as every layer speaks of them: what is measured, one reading of it, and what a source gives in a round."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Dimensions = tuple[tuple[str, str], ...]
"""Pairs of name and value, besides those of the host, in the order in which CloudWatch is told them."""


class Unit(StrEnum):
    """Units by the names that CloudWatch gives them (API: MetricDatum)."""

    BYTES = "Bytes"
    COUNT = "Count"
    MICROSECONDS = "Microseconds"
    MILLISECONDS = "Milliseconds"
    NONE = "None"
    PERCENT = "Percent"
    SECONDS = "Seconds"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric as it is published: a row of ``docs/reference/metrics.md``.

    Attributes:
        meaning: for people, in one line.
        dimensions: names of those it has besides the host's.
        is_increase: each value is what was added since the round before; their sum over a minute is the minute's.
        highest: no true value is above it.
    """

    name: str
    unit: Unit
    meaning: str
    dimensions: tuple[str, ...] = ()
    is_increase: bool = False
    highest: float = 1e15


class Reading(NamedTuple):
    """One value of a metric."""

    name: str
    value: float
    dimensions: Dimensions = ()


@dataclass(frozen=True, slots=True)
class Collected:
    """What one look at a source gave.

    Attributes:
        gauges: values as they are.
        counters: running totals by a key of the source's own; the round turns them into increases.
        left_out: how many values made no sense and were not taken.
    """

    gauges: Sequence[Reading] = ()
    counters: Mapping[str, float] = field(default_factory=dict)
    left_out: int = 0


class MetricSource(Protocol):
    """Something that is sampled: a part of the host, a server's status page.

    Attributes:
        name: stable; keys the stored counters.
        metrics: everything it may give.
        limit_s: a look that takes longer counts as failed. It may take longer than a round waits.
        wraps_at: the value that a counter of the kernel can't reach, since it begins anew there; None: none wraps.
    """

    name: str
    metrics: Sequence[Metric]
    limit_s: float
    wraps_at: float | None

    def collect(self) -> Collected:
        """Look once; on a thread of its own. Raises AgentError (or OSError) when the source is down."""
        ...

    def derive(self, increases: Mapping[str, float], elapsed_s: float) -> Sequence[Reading]:
        """Turn what counters increased by since the last look into readings. Pure.

        A counter that is seen for the first time is not among ``increases``; wraps and resets are settled already.
        """
        ...

    def down(self) -> Sequence[Reading]:
        """What is published while it is down, such as ``apache_up 0``."""
        ...
