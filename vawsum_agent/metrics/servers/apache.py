"""Apache, by mod_status (httpd's documentation: mod_status, the machine readable form)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from vawsum_agent.core.metric import Collected, Metric, Reading, Unit
from vawsum_agent.core.shipped import APACHE_STATUS
from vawsum_agent.metrics.servers.fields import Fields, once
from vawsum_agent.metrics.servers.status_page import StatusPage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SNIPPET = APACHE_STATUS

METRICS = (
    Metric("apache_up", Unit.NONE, "1 when mod_status answers, 0 when not", highest=1),
    Metric("apache_requests", Unit.COUNT, "requests served, the agent's own included", is_increase=True),
    Metric("apache_bytes", Unit.BYTES, "bytes served", is_increase=True),
    Metric("apache_request_time", Unit.MILLISECONDS, "mean time of the requests served since the look before"),
    Metric("apache_workers_busy", Unit.COUNT, "workers that serve a request"),
    Metric("apache_workers_idle", Unit.COUNT, "workers that wait for one"),
    Metric("apache_workers_limit", Unit.COUNT, "workers there may be: the places of the scoreboard, MaxRequestWorkers"),
    Metric("apache_workers_used_percent", Unit.PERCENT, "busy workers of those there may be", highest=100),
    Metric("apache_connections", Unit.COUNT, "connections held by the event MPM, those kept alive included"),
    Metric("apache_uptime", Unit.SECONDS, "time since Apache was started"),
)

_WORKERS = {"apache_workers_busy": "BusyWorkers", "apache_workers_idle": "IdleWorkers"}
# Where ExtendedStatus is off, or the MPM is not event, some of these are not on the page.
_OPTIONAL = {"apache_uptime": "ServerUptimeSeconds", "apache_connections": "ConnsTotal"}
_TOTALS = {"apache_requests": "Total Accesses", "kilobytes": "Total kBytes", "duration_ms": "Total Duration"}
_SCOREBOARD = re.compile(r"[_SRWKDCLGI.]+")
_KIBIBYTE = 1024
_MARGIN_S = 0.5


class ApacheSource:
    """Apache on this host.

    Args:
        status_url: with ``?auto``.
        limit_s: see `MetricSource`; the page gets half a second less, so that the reason is told by us.
    """

    name = "apache"
    metrics: Sequence[Metric] = METRICS
    wraps_at: float | None = None

    def __init__(self, status_url: str, *, limit_s: float = 5.0) -> None:
        self.limit_s = limit_s
        self.page = StatusPage("Apache", status_url, SNIPPET)

    def collect(self) -> Collected:
        """See `MetricSource.collect`."""
        collected = read_status(self.page.fetch(self.limit_s - _MARGIN_S))
        if collected is None:
            raise self.page.unexpected("is not the page of mod_status for machines", "auto")
        return collected

    def derive(self, increases: Mapping[str, float], elapsed_s: float) -> Sequence[Reading]:
        """See `MetricSource.derive`."""
        del elapsed_s
        readings = [Reading(name, increases[name]) for name in ("apache_requests", "apache_bytes") if name in increases]
        requests, duration_ms = increases.get("apache_requests"), increases.get("duration_ms")
        if requests and duration_ms is not None:
            readings.append(Reading("apache_request_time", duration_ms / requests))
        return readings

    def down(self) -> Sequence[Reading]:
        """See `MetricSource.down`."""
        return [Reading("apache_up", 0.0)]


def read_status(body: bytes) -> Collected | None:
    """Read the page; None when it is another. Without ``ExtendedStatus`` it has workers alone."""
    lines = body.decode("ascii", "replace").splitlines()
    values = once((name, value.strip()) for name, colon, value in (line.partition(": ") for line in lines) if colon)
    fields = Fields(values)
    found = fields.take_all(_WORKERS)
    if not found:
        return None
    gauges = {"apache_up": 1.0, **found, **_workers(values.get("Scoreboard"), found.get("apache_workers_busy"), fields)}
    gauges |= fields.take_all(_OPTIONAL, are_optional=True)
    counters = fields.take_all(_TOTALS, are_optional=True)
    if "kilobytes" in counters:
        counters["apache_bytes"] = counters.pop("kilobytes") * _KIBIBYTE
    return Collected([Reading(name, value) for name, value in gauges.items()], counters, fields.left_out)


def _workers(scoreboard: object, busy: float | None, fields: Fields) -> dict[str, float]:
    if not isinstance(scoreboard, str) or not _SCOREBOARD.fullmatch(scoreboard):
        fields.left_out += 1
        return {}
    limit = float(len(scoreboard))
    found = {"apache_workers_limit": limit}
    if busy is not None and busy <= limit:
        found["apache_workers_used_percent"] = 100 * busy / limit
    return found
