"""Every metric there is, by name: what `docs/reference/metrics.md` is written from, and what units are looked up in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.metrics.host import METRICS as OF_THE_HOST
from vawsum_agent.metrics.own import METRICS as OF_THE_AGENT
from vawsum_agent.metrics.requests import METRICS as OF_REQUESTS
from vawsum_agent.metrics.servers import METRICS as OF_SERVERS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vawsum_agent.core.metric import Metric

SECTIONS: Mapping[str, tuple[Metric, ...]] = {
    "The host": OF_THE_HOST,
    "Apache, PHP-FPM and MySQL": OF_SERVERS,
    "Requests, from the access logs": OF_REQUESTS,
    "The agent itself": OF_THE_AGENT,
}

CATALOGUE: Mapping[str, Metric] = {metric.name: metric for metrics in SECTIONS.values() for metric in metrics}
