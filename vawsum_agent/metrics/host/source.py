"""What all sources of the host have in common: where they say nothing of their own, they say this."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vawsum_agent.core.metric import Metric, Reading


class HostSource:
    """A part of the host that can be asked; see `vawsum_agent.core.metric.MetricSource`."""

    name: str
    metrics: Sequence[Metric]
    limit_s: float = 5.0
    wraps_at: float | None = None

    def derive(self, increases: Mapping[str, float], elapsed_s: float) -> Sequence[Reading]:  # noqa: ARG002
        """Give nothing: gauges only."""
        return ()

    def down(self) -> Sequence[Reading]:
        """Give nothing: a value that could not be read is missing, never zero."""
        return ()
