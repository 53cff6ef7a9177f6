"""What Apache, PHP-FPM and MySQL tell of themselves; a server that is down is itself a metric.

status_page   one page over plain HTTP, in bounded time
fields        numbers out of what a server said; what makes no sense is left out and counted
apache        mod_status
php_fpm       PHP-FPM's status page, one source a pool
mysql         status variables of MySQL and MariaDB
session       the connection to it, kept between looks
option_file   where it is, and as whom to ask it
replication   what a replica tells of its channels
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.metrics.servers import apache, mysql, php_fpm
from vawsum_agent.metrics.servers.apache import ApacheSource
from vawsum_agent.metrics.servers.mysql import MysqlSource
from vawsum_agent.metrics.servers.php_fpm import PhpFpmSource

if TYPE_CHECKING:
    from vawsum_agent.config.model import MetricsConfig
    from vawsum_agent.core.metric import MetricSource

__all__ = ["METRICS", "ApacheSource", "MysqlSource", "PhpFpmSource", "server_sources"]

METRICS = (*apache.METRICS, *php_fpm.METRICS, *mysql.METRICS)


def server_sources(config: MetricsConfig) -> list[MetricSource]:
    """Build a source for each server that is configured. Nothing is connected to yet."""
    sources: list[MetricSource] = []
    if config.apache is not None:
        sources.append(ApacheSource(config.apache.status_url))
    if config.php_fpm is not None:
        sources += [PhpFpmSource(url) for url in config.php_fpm.urls]
    if config.mysql is not None:
        sources.append(MysqlSource(config.mysql.defaults_file))
    return sources
