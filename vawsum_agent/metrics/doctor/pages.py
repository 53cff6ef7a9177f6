"""Whether the status pages of Apache and PHP-FPM answer, and what they say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.core.errors import AgentError
from vawsum_agent.core.finding import Finding, Severity
from vawsum_agent.metrics.doctor.place import without_place
from vawsum_agent.metrics.servers.apache import SNIPPET, ApacheSource
from vawsum_agent.metrics.servers.php_fpm import PhpFpmSource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vawsum_agent.config.model import MetricsConfig
    from vawsum_agent.core.metric import Collected


def pages(metrics: MetricsConfig) -> Iterator[Finding]:
    """Look at each page that is configured."""
    if metrics.apache is not None:
        yield from _page(ApacheSource(metrics.apache.status_url))
    if metrics.php_fpm is not None:
        for url in metrics.php_fpm.urls:
            yield from _page(PhpFpmSource(url))


def _page(source: ApacheSource | PhpFpmSource) -> Iterator[Finding]:
    where = source.page.where
    try:
        collected = source.collect()
    except AgentError as error:
        yield Finding(Severity.PROBLEM, without_place(error.message, where), where, error.hint)
        return
    said = _apache(collected) if isinstance(source, ApacheSource) else _php_fpm(collected)
    yield Finding(Severity.OK, f"{source.page.server} answers: {said}", where)
    if isinstance(source, ApacheSource) and "apache_requests" not in collected.counters:
        what = "ExtendedStatus is off: requests and bytes are missing"
        yield Finding(Severity.WARNING, what, where, f"ExtendedStatus On, as in {SNIPPET}, and reload Apache")
    if collected.left_out:
        what = f"{collected.left_out} of its values make no sense and are left out"
        yield Finding(Severity.WARNING, what, where, f"look at the page: curl '{where}'")


def _apache(collected: Collected) -> str:
    values = {reading.name: reading.value for reading in collected.gauges}
    return f"{_of(values, 'apache_workers_busy', 'apache_workers_limit')} workers busy"


def _php_fpm(collected: Collected) -> str:
    values = {reading.name: reading.value for reading in collected.gauges}
    pool = dict(collected.gauges[0].dimensions)["pool"]
    return f"{_of(values, 'php_fpm_processes_active', 'php_fpm_processes_total')} processes of pool {pool} busy"


def _of(values: dict[str, float], part: str, whole: str) -> str:
    return " of ".join(f"{values[name]:.0f}" if name in values else "?" for name in (part, whole))
