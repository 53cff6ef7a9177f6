"""What the agent tells of itself: a heartbeat, and what its components put into their status to be published."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.core.errors import AgentError
from vawsum_agent.core.metric import Collected, Metric, Reading, Unit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vawsum_agent.core.board import StatusBoard
    from vawsum_agent.core.clock import Clock

METRICS = (
    Metric("vawsum_heartbeat", Unit.COUNT, "1 while the daemon's main loop turns; its absence is the alarm"),
    Metric("vawsum_log_oldest_unsent_seconds", Unit.SECONDS, "age of the oldest log bytes that are not accepted yet"),
    Metric(
        "vawsum_log_dropped_bytes",
        Unit.BYTES,
        "log bytes that CloudWatch can't take or that were lost before they were read",
        is_increase=True,
    ),
    Metric("vawsum_images_pending", Unit.COUNT, "images old enough to move that have not moved; nothing before a scan"),
    Metric(
        "vawsum_backup_age_seconds",
        Unit.SECONDS,
        "age of the newest backup in S3, whichever host of these data made it; nothing while that is not known",
    ),
    Metric("vawsum_backup_restore_seconds", Unit.SECONDS, "how long the last drill took to restore: the measured RTO"),
    Metric(
        "vawsum_deploy_failed",
        Unit.COUNT,
        "1 for an hour after a deploy was taken back, and as long as one is stuck; else 0",
    ),
    Metric("vawsum_deploy_running", Unit.COUNT, "1 while a deploy is under way, a minute at least; else 0"),
)
_STALE_S = 60.0


class AgentSource:
    """Samples the status board."""

    name = "agent"
    metrics: Sequence[Metric] = METRICS
    limit_s = 2.0
    wraps_at: float | None = None

    def __init__(self, board: StatusBoard, clock: Clock) -> None:
        self._board = board
        self._clock = clock

    def collect(self) -> Collected:
        """See `MetricSource.collect`. Without a fresh post there is no heartbeat: that is what it is for."""
        posted = self._board.latest()
        if posted.at and abs(self._clock.now() - posted.at) > _STALE_S:
            message = "the daemon's main loop has posted no status for a minute"
            raise AgentError(message, hint="systemd's watchdog restarts it; its journal tells more")
        measures = {name: value for status in posted.statuses for name, value in status.measures.items()}
        gauges = [Reading("vawsum_heartbeat", 1.0)]
        gauges += [
            Reading(metric.name, measures[metric.name])
            for metric in METRICS
            if not metric.is_increase and metric.name in measures
        ]
        totals = {
            metric.name: measures[metric.name] for metric in METRICS if metric.is_increase and metric.name in measures
        }
        return Collected(gauges, totals)

    def derive(self, increases: Mapping[str, float], elapsed_s: float) -> Sequence[Reading]:
        """See `MetricSource.derive`."""
        del elapsed_s
        return [Reading(name, increase) for name, increase in increases.items()]

    def down(self) -> Sequence[Reading]:
        """See `MetricSource.down`."""
        return ()
