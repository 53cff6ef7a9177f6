"""Takes a round: asks all sources at once, waits for them for a part of the interval, keeps what makes sense."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import orjson

from vawsum_agent.core.metric import Reading
from vawsum_agent.metrics.sample.asked import Asked, SourceDefect, defect_of
from vawsum_agent.metrics.sample.increases import MOST_GAP_S, Baseline, increases

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from vawsum_agent.core.clock import Clock
    from vawsum_agent.core.errors import AgentError
    from vawsum_agent.core.metric import Metric, MetricSource
    from vawsum_agent.metrics.sample.asked import Answer


@dataclass(frozen=True, slots=True)
class RoundResult:
    """What a round came to.

    Attributes:
        at_ms: when it began, milliseconds since the epoch.
        baseline: what the next round counts from.
        errors: by source, of those that are down.
        left_out: how many values made no sense.
    """

    at_ms: int
    readings: list[Reading]
    baseline: Baseline
    errors: Mapping[str, AgentError] = field(default_factory=dict)
    left_out: int = 0

    @property
    def defect_count(self) -> int:
        """How many of the errors are defects of the agent's own."""
        return sum(isinstance(error, SourceDefect) for error in self.errors.values())


class _Part(NamedTuple):
    """What one source's answer comes to; without ``totals`` its counters go on from where they were."""

    readings: list[Reading]
    left_out: int
    error: AgentError | None
    totals: Mapping[str, float] | None = None


class Rounds:
    """Samples the sources. One thread calls `take`.

    Args:
        wait_s: how long a round waits. A source that has not answered by then is in the next round, and down once its
            own limit is over.
    """

    def __init__(self, sources: Sequence[MetricSource], wait_s: float, clock: Clock) -> None:
        self._asked = [Asked(source, clock) for source in sources]
        self._metrics = {metric.name: metric for source in sources for metric in source.metrics}
        self._wait_s = wait_s
        self._clock = clock
        self._looked_at: dict[str, float] = {}

    def take(self, before: Baseline) -> RoundResult:
        """Ask everybody once. ``before`` is the baseline of the round before, of this process or an earlier one."""
        at_ms = int(self._clock.now() * 1000)
        began = self._clock.monotonic()
        waits_s = {asked: self._wait_s if asked.ask() else 0.0 for asked in self._asked}
        readings: list[Reading] = []
        errors: dict[str, AgentError] = {}
        left_out = 0
        at, totals = dict(before.at), dict(before.totals)
        for asked, wait_s in waits_s.items():
            name, answer = asked.source.name, asked.answer(began + wait_s)
            part = self._part(asked.source, answer, before)
            readings += part.readings
            left_out += part.left_out
            if part.error is not None:
                errors[name] = part.error
            if part.totals is not None:
                # Otherwise the next increases are counted from the earlier ones: nothing is missing from them.
                at[name], totals[name] = answer.at, part.totals
                self._looked_at[name] = answer.monotonic
        return RoundResult(at_ms, readings, Baseline(before.boot_id, at, totals), errors, left_out)

    def stop(self) -> None:
        """End the threads."""
        for asked in self._asked:
            asked.stop()

    def _part(self, source: MetricSource, answer: Answer, before: Baseline) -> _Part:
        readings: list[Reading] = []
        left_out = 0
        try:
            if answer.collected is None:
                return _Part(*self._sane(source.down() if answer.error else ()), answer.error)
            readings, left_out = self._sane(answer.collected.gauges)
            left_out += answer.collected.left_out
            totals = {key: total for key, total in answer.collected.counters.items() if _is_total(total)}
            derived, out = self._sane(self._derived(source, answer, totals, before))
            return _Part(readings + derived, left_out + out, None, totals)
        except Exception as exc:  # noqa: BLE001 - a defect in one source must not end the others
            # What was read before it is true all the same.
            return _Part(readings, left_out, defect_of(source, exc))

    def _derived(
        self, source: MetricSource, answer: Answer, totals: Mapping[str, float], before: Baseline
    ) -> Sequence[Reading]:
        """What the counters tell; nothing after too long a gap, or where no time has passed."""
        if source.name not in before.totals:
            return ()
        looked_at = self._looked_at.get(source.name)
        # Within this process the clock may jump as it likes; across a restart the wall clock is all there is.
        gap_s = answer.at - before.at[source.name] if looked_at is None else answer.monotonic - looked_at
        if not 0 < gap_s <= MOST_GAP_S:
            return ()
        return source.derive(increases(before.totals[source.name], totals, source.wraps_at), gap_s)

    def _sane(self, readings: Iterable[Reading]) -> tuple[list[Reading], int]:
        kept, out = [], 0
        for reading in readings:
            metric = self._metrics.get(reading.name)
            if metric is not None and is_sane(reading, metric):
                kept.append(reading)
            else:
                out += 1
        return kept, out


def is_sane(reading: Reading, metric: Metric) -> bool:
    """Whether a value can be true: a number, not negative, not above what the metric can reach."""
    return math.isfinite(reading.value) and 0 <= reading.value <= metric.highest


def _is_total(value: float) -> bool:
    return math.isfinite(value) and value >= 0


def encode_readings(readings: Iterable[Reading]) -> bytes:
    """Write readings for the store."""
    return orjson.dumps([(reading.name, reading.value, reading.dimensions) for reading in readings])


def decode_readings(body: bytes) -> list[Reading]:
    """Read what `encode_readings` wrote. Raises ValueError on anything else."""
    try:
        return [
            Reading(str(name), float(value), tuple((str(key), str(text)) for key, text in dimensions))
            for name, value, dimensions in orjson.loads(body)
        ]
    except (TypeError, ValueError) as exc:
        message = "unreadable round in the spool"
        raise ValueError(message) from exc
