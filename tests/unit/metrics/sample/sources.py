"""Sources that do what a test says."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from vawsum_agent.core.metric import Collected, Metric, Reading, Unit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

METRICS = (
    Metric("up", Unit.COUNT, "whether it answers"),
    Metric("share", Unit.PERCENT, "a gauge", highest=100),
    Metric("requests", Unit.COUNT, "an increase", is_increase=True),
)


class ScriptedSource:
    """Gives what ``collect`` gives; counts looks."""

    metrics: Sequence[Metric] = METRICS
    wraps_at: float | None = None

    def __init__(self, name: str, collect: Callable[[], Collected], limit_s: float = 5.0) -> None:
        self.name = name
        self.limit_s = limit_s
        self.looks = 0
        self._collect = collect

    def collect(self) -> Collected:
        """See `MetricSource.collect`."""
        self.looks += 1
        return self._collect()

    def derive(self, increases: Mapping[str, float], elapsed_s: float) -> Sequence[Reading]:
        """See `MetricSource.derive`."""
        del elapsed_s
        return [Reading("requests", value, (("key", key),)) for key, value in increases.items()]

    def down(self) -> Sequence[Reading]:
        """See `MetricSource.down`."""
        return [Reading("up", 0.0)]


class Hanging:
    """A look that takes until it is let go."""

    def __init__(self) -> None:
        self.released = threading.Event()

    def __call__(self) -> Collected:
        """Look."""
        self.released.wait(30)
        return Collected([Reading("up", 1.0)])
