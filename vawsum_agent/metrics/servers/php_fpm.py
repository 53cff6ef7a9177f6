"""PHP-FPM, by the status page of a pool in JSON (PHP manual: the FPM status page)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from vawsum_agent.core.metric import Collected, Metric, Reading, Unit
from vawsum_agent.core.shipped import APACHE_STATUS, PHP_STATUS
from vawsum_agent.metrics.servers.fields import Fields, once
from vawsum_agent.metrics.servers.status_page import StatusPage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SNIPPET = f"{PHP_STATUS} and {APACHE_STATUS}"
UNKNOWN_POOL = "unknown"
"""Stands for the pool of a page that has never answered since the agent was started."""

_POOL = ("pool",)

METRICS = (
    Metric("php_fpm_up", Unit.NONE, "1 when the pool's status page answers, 0 when not", _POOL, highest=1),
    Metric("php_fpm_accepted_connections", Unit.COUNT, "requests accepted", _POOL, is_increase=True),
    Metric("php_fpm_listen_queue", Unit.COUNT, "requests that wait for a process; Linux tells it for TCP alone", _POOL),
    Metric("php_fpm_listen_queue_limit", Unit.COUNT, "requests that may wait; more are refused", _POOL),
    Metric("php_fpm_processes_idle", Unit.COUNT, "processes that wait for a request", _POOL),
    Metric("php_fpm_processes_active", Unit.COUNT, "processes that serve one", _POOL),
    Metric("php_fpm_processes_total", Unit.COUNT, "processes of the pool", _POOL),
    Metric("php_fpm_max_children_reached", Unit.COUNT, "times pm.max_children was too few", _POOL, is_increase=True),
    Metric("php_fpm_slow_requests", Unit.COUNT, "requests over request_slowlog_timeout", _POOL, is_increase=True),
    Metric("php_fpm_uptime", Unit.SECONDS, "time since PHP-FPM was started or reloaded", _POOL),
)

_GAUGES = {
    "php_fpm_listen_queue": "listen queue",
    "php_fpm_processes_idle": "idle processes",
    "php_fpm_processes_active": "active processes",
    "php_fpm_processes_total": "total processes",
    "php_fpm_uptime": "start since",
}
_COUNTERS = {
    "php_fpm_accepted_connections": "accepted conn",
    "php_fpm_max_children_reached": "max children reached",
    "php_fpm_slow_requests": "slow requests",
}
_LONGEST_POOL = 255
_MARGIN_S = 0.5


class PhpFpmSource:
    """One pool of PHP-FPM on this host.

    Args:
        status_url: with ``?json``.
        limit_s: see `MetricSource`; the page gets half a second less, so that the reason is told by us.
    """

    metrics: Sequence[Metric] = METRICS
    wraps_at: float | None = None

    def __init__(self, status_url: str, *, limit_s: float = 5.0) -> None:
        self.limit_s = limit_s
        self.page = StatusPage("PHP-FPM", status_url, SNIPPET)
        self.name = f"php_fpm:{self.page.where}"
        self._pool = UNKNOWN_POOL

    def collect(self) -> Collected:
        """See `MetricSource.collect`."""
        found = read_status(self.page.fetch(self.limit_s - _MARGIN_S))
        if found is None:
            raise self.page.unexpected("is not the page of a pool in JSON", "json")
        self._pool, collected = found
        return collected

    def derive(self, increases: Mapping[str, float], elapsed_s: float) -> Sequence[Reading]:
        """See `MetricSource.derive`."""
        del elapsed_s
        dimensions = (("pool", self._pool),)
        return [Reading(name, value, dimensions) for name, value in increases.items() if name in _COUNTERS]

    def down(self) -> Sequence[Reading]:
        """See `MetricSource.down`."""
        return [Reading("php_fpm_up", 0.0, (("pool", self._pool),))]


def read_status(body: bytes) -> tuple[str, Collected] | None:
    """Read the page: the pool's name and what it tells; None when it is another page, or cut short."""
    try:
        page = json.loads(body, object_pairs_hook=once)
    except (ValueError, RecursionError):
        return None
    pool = page.get("pool") if isinstance(page, dict) else None
    if not isinstance(pool, str) or not _is_dimension(pool):
        return None
    fields = Fields(page)
    gauges = fields.take_all(_GAUGES)
    counters = fields.take_all(_COUNTERS)
    if not gauges and not counters:
        return None
    # Linux tells it for TCP alone; 0 on a unix socket is no limit but "not known".
    limit = fields.take("listen queue len", is_optional=True)
    if limit:
        gauges["php_fpm_listen_queue_limit"] = limit
    gauges["php_fpm_up"] = 1.0
    dimensions = (("pool", pool),)
    readings = [Reading(name, value, dimensions) for name, value in gauges.items()]
    return pool, Collected(readings, counters, fields.left_out)


def _is_dimension(value: str) -> bool:
    """Whether CloudWatch takes it for the value of a dimension (API: Dimension)."""
    is_sized = bool(value.strip()) and len(value) <= _LONGEST_POOL
    return is_sized and value.isascii() and value.isprintable() and not value.startswith(":")
