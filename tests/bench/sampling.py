"""What a look at the whole host costs: every source of it, with many processes and sockets to look at."""

from __future__ import annotations

import resource
import socket
import struct
import subprocess
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import psutil

from sandbox.servers.mariadb import MariaDb
from sandbox.servers.process import open_directory
from tests.bench.table import Row, Target
from tests.integration.metrics.web import web_host
from vawsum_agent.config.model import ApacheConfig, MetricsConfig, MysqlMetricsConfig, PhpFpmConfig
from vawsum_agent.metrics.host import host_sources
from vawsum_agent.metrics.sample.asked import Closeable
from vawsum_agent.metrics.servers import server_sources

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tests.bench.scale import Scale
    from vawsum_agent.core.metric import MetricSource

_OF_THE_HOST, _OF_ALL = Target(10, is_at_most=True), Target(30, is_at_most=True)
_INTERVAL_S = 10.0
_SPARE_FILES = 500
_RESET = struct.pack("ii", 1, 0)
"""``struct linger``: on, for no time."""


class _Rounds:
    """A clock that moves on by an interval with each round, so that what paces itself does so as in the daemon."""

    def __init__(self) -> None:
        self.at = 0.0

    def now(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return self.at


def sampling_rows(scale: Scale) -> list[Row]:
    """Measure a round of the host, and one of everything: Apache, PHP-FPM and MariaDB run for it."""
    rows = [Row("sampling the host, a round", "ms of CPU", sampling(scale.samplings)["all"], _OF_THE_HOST)]
    with web_host() as web, open_directory("vawsum-bench-mysql-") as folder, MariaDb(folder / "mysql") as mysql:
        config = MetricsConfig(
            apache=ApacheConfig(status_url=web.apache_url),
            php_fpm=PhpFpmConfig(status_url=web.php_fpm_url),
            mysql=MysqlMetricsConfig(defaults_file=str(mysql.option_file)),
        )
        everything = sampling(scale.samplings, servers=server_sources(config))["all"]
    return [*rows, Row("sampling everything, a round", "ms of CPU", everything, _OF_ALL)]


def sampling(
    rounds: int = 50, processes: int = 200, sockets: int = 3000, servers: Sequence[MetricSource] = ()
) -> dict[str, list[float]]:
    """Take rounds one after another, in this thread, on a host that is as busy as that.

    Args:
        rounds: how many.
        processes: of the host, ours included.
        sockets: so many connected ones.
        servers: sources to look at besides those of the host.

    Returns:
        Milliseconds of CPU, the kernel's included, a round: by source, and under ``all`` of all together.
    """
    clock = _Rounds()
    sources = [*host_sources(MetricsConfig(), clock), *servers]
    costs: dict[str, list[float]] = {name: [] for name in (*(source.name for source in sources), "all")}
    with _crowd(processes), _connections(sockets // 2):
        before: dict[str, Mapping[str, float]] = {source.name: source.collect().counters for source in sources}
        for _ in range(rounds):
            clock.at += _INTERVAL_S
            together_ms = 0.0
            for source in sources:
                took_ms = _look(source, before)
                costs[source.name].append(took_ms)
                together_ms += took_ms
            costs["all"].append(together_ms)
    for source in sources:
        if isinstance(source, Closeable):
            source.close()
    return costs


def _look(source: MetricSource, before: dict[str, Mapping[str, float]]) -> float:
    """Look and derive as a round does; returns milliseconds of CPU."""
    began = time.thread_time()
    now = source.collect().counters
    earlier = before[source.name]
    source.derive({key: total - earlier[key] for key, total in now.items() if key in earlier}, _INTERVAL_S)
    before[source.name] = now
    return (time.thread_time() - began) * 1000


@contextmanager
def _crowd(count: int) -> Iterator[None]:
    """Run processes that do nothing, until there are so many."""
    with ExitStack() as stack:
        for _ in range(count - len(psutil.pids())):
            process = stack.enter_context(subprocess.Popen(["sleep", "600"]))
            stack.callback(process.kill)
        yield


@contextmanager
def _connections(pairs: int) -> Iterator[None]:
    """Hold so many connections, both ends of each."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * pairs + _SPARE_FILES
    if limits[1] != resource.RLIM_INFINITY:
        wanted = min(wanted, limits[1])
    with ExitStack() as stack:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(limits[0], wanted), limits[1]))
        stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, limits)
        listening = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=pairs))
        for _ in range(pairs):
            connected = stack.enter_context(socket.create_connection(listening.getsockname()))
            # Reset at the end, lest the kernel remembers it for a minute, and the next measurement meets more sockets.
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            stack.enter_context(listening.accept()[0])
        yield
