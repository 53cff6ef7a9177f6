"""Apache and PHP-FPM as they are: values move with traffic, a restart begins anew, a server that is gone is down."""

from __future__ import annotations

import re
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from sandbox.servers.process import ServerError, is_listening, wait_until
from tests.integration.metrics.web import VISITS, Web, web_host
from vawsum_agent.config.model import ApacheConfig, MetricsConfig, MysqlMetricsConfig, PhpFpmConfig
from vawsum_agent.core.errors import AgentError
from vawsum_agent.metrics.sample.increases import increases
from vawsum_agent.metrics.servers import ApacheSource, PhpFpmSource, server_sources

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vawsum_agent.core.metric import Collected, MetricSource

POOL = (("pool", "www"),)


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    """Run Apache and PHP-FPM."""
    try:
        with web_host() as host:
            yield host
    except (ServerError, FileNotFoundError) as error:
        pytest.skip(f"no web server: {error}")


def gauges(collected: Collected) -> dict[str, float]:
    """The gauges by name."""
    return {reading.name: reading.value for reading in collected.gauges}


def derived(source: MetricSource, before: Collected, after: Collected) -> dict[str, float]:
    """What counters came to between two looks, as a round works it out."""
    added = increases(before.counters, after.counters, source.wraps_at)
    return {reading.name: reading.value for reading in source.derive(added, 10.0)}


def settled(source: MetricSource) -> Collected:
    """Look when Apache has booked what it served, which it does a moment after the client has its answer."""
    time.sleep(0.3)
    return source.collect()


def names_of(source: MetricSource) -> set[str]:
    """The metrics of a source, without those that only some set-ups have."""
    return {metric.name for metric in source.metrics} - {"php_fpm_listen_queue_limit"}


def test_apache_moves_with_traffic(web: Web) -> None:
    """Requests and bytes are exactly those served, the look itself included; every metric of the source has a value."""
    source = ApacheSource(web.apache_url)
    before = settled(source)
    for _ in range(25):
        assert web.apache.get("/file.txt")[0] == 200
    after = settled(source)
    moved = derived(source, before, after)
    assert moved["apache_requests"] == 26
    assert 25 * 4096 <= moved["apache_bytes"] <= 40 * 4096
    assert moved["apache_request_time"] < 1000
    assert gauges(after).keys() | moved.keys() == names_of(source)
    assert (gauges(after)["apache_workers_limit"], gauges(after)["apache_up"], after.left_out) == (64, 1, 0)


def test_busy_workers_show(web: Web) -> None:
    """Workers that serve slow requests are busy ones, of Apache as of PHP-FPM, which answers with none to spare."""
    apache, php_fpm = ApacheSource(web.apache_url), PhpFpmSource(web.php_fpm_url)
    with ThreadPoolExecutor(8) as clients:
        slow = [clients.submit(web.apache.get, "/slow.php") for _ in range(8)]
        assert wait_until(lambda: gauges(php_fpm.collect())["php_fpm_processes_active"] == 4, 5)
        busy = gauges(apache.collect())
        assert busy["apache_workers_busy"] >= 9
        assert busy["apache_workers_used_percent"] == 100 * busy["apache_workers_busy"] / 64
        assert gauges(php_fpm.collect())["php_fpm_processes_idle"] == 0
        assert [answer.result()[0] for answer in slow] == [200] * 8


def test_php_fpm_moves_with_traffic(web: Web) -> None:
    """Accepted requests are exactly those of the application, the slow ones are counted, and the pool is named."""
    source = PhpFpmSource(web.php_fpm_url)
    before = source.collect()
    assert [web.apache.get("/index.php")[1] for _ in range(10)] == [b"front controller"] * 10
    web.apache.get("/slow.php")
    after = source.collect()
    moved = derived(source, before, after)
    assert moved["php_fpm_accepted_connections"] == 11
    assert moved["php_fpm_max_children_reached"] == 0
    assert gauges(after).keys() | moved.keys() == names_of(source)
    assert {reading.dimensions for reading in after.gauges} == {POOL}
    assert (gauges(after)["php_fpm_processes_total"], after.left_out) == (4, 0)


def test_pages_are_for_this_host_alone(web: Web) -> None:
    """What a proxy passes on is refused though it comes over loopback; the front controller takes neither page."""
    for path in ("/server-status?auto", "/fpm-status?json"):
        assert web.apache.get(path)[0] == 200
        for header in ("X-Forwarded-For", "Forwarded"):
            assert web.apache.get(path, headers={header: "203.0.113.7"})[0] == 403
    assert web.apache.get("/anything/else")[1] == b"front controller"


def test_own_visits_can_be_kept_out_of_the_access_log(web: Web) -> None:
    """With the mark in CustomLog, the agent's looks leave no line; what comes through a proxy, and all else, does."""
    log = web.apache.directory / VISITS
    ApacheSource(web.apache_url).collect()
    PhpFpmSource(web.php_fpm_url).collect()
    web.apache.get("/server-status", headers={"X-Forwarded-For": "10.1.2.3"})
    web.apache.get("/file.txt?last")
    logged = ('"GET /server-status HTTP/1.1" 403 ', '"GET /file.txt?last HTTP/1.1" 200 ')
    assert wait_until(lambda: all(text in log.read_text() for text in logged), 10)
    assert re.findall(r"/(?:server|fpm)-status\S* HTTP/1.1\" 200 .*", log.read_text()) == []


def test_restart_begins_anew(web: Web) -> None:
    """After a restart the increase is what the new server counted, never negative and never all there ever was."""
    apache, php_fpm = ApacheSource(web.apache_url), PhpFpmSource(web.php_fpm_url)
    for _ in range(30):
        web.apache.get("/index.php")
    before = apache.collect(), php_fpm.collect()
    web.apache.stop()
    web.php_fpm.stop()
    web.php_fpm.start()
    web.apache.start()
    for _ in range(3):
        web.apache.get("/index.php")
    after = settled(apache), php_fpm.collect()
    assert derived(apache, before[0], after[0])["apache_requests"] == 3
    # The sandbox connects too, to see whether PHP-FPM is there.
    assert 3 <= derived(php_fpm, before[1], after[1])["php_fpm_accepted_connections"] <= 6
    assert gauges(after[0])["apache_uptime"] < 30
    assert gauges(after[1])["php_fpm_uptime"] < 30


def test_killed_is_down_until_it_is_back(web: Web) -> None:
    """A server killed with -9 is down, with its remedy, while the other one answers; when it is back it is up."""
    apache, php_fpm = ApacheSource(web.apache_url), PhpFpmSource(web.php_fpm_url)
    php_fpm.collect()
    web.php_fpm.signal(signal.SIGKILL)
    web.php_fpm.stop()
    with pytest.raises(AgentError, match="answered 503") as caught:
        php_fpm.collect()
    assert caught.value.hint == "is PHP-FPM running?"
    assert php_fpm.down() == [("php_fpm_up", 0.0, POOL)]
    assert gauges(apache.collect())["apache_up"] == 1
    web.php_fpm.start()
    assert gauges(php_fpm.collect())["php_fpm_up"] == 1
    web.apache.signal(signal.SIGKILL)
    web.apache.stop()
    assert wait_until(lambda: not is_listening(web.apache.port), 5)  # its workers are gone a moment later
    with pytest.raises(AgentError, match="refuses connections"):
        apache.collect()
    assert apache.down() == [("apache_up", 0.0, ())]
    web.apache.start()
    assert gauges(apache.collect())["apache_up"] == 1


def test_frozen_server_fails_in_time(web: Web) -> None:
    """An Apache whose processes are all stopped takes connections and answers none: an error within the limit."""
    source = ApacheSource(web.apache_url, limit_s=1.0)
    source.collect()
    web.apache.signal_all(signal.SIGSTOP)
    try:
        with pytest.raises(AgentError, match=r"longer than 0\.5 s"):
            source.collect()
    finally:
        web.apache.signal_all(signal.SIGCONT)
    assert gauges(source.collect())["apache_up"] == 1


def test_sources_of_a_configuration() -> None:
    """What is configured has a source each, every pool its own, and all have names of their own."""
    pools = PhpFpmConfig(more_status_urls=["http://127.0.0.1/fpm-status-admin?json", PhpFpmConfig().status_url])
    config = MetricsConfig(apache=ApacheConfig(), php_fpm=pools, mysql=MysqlMetricsConfig(defaults_file="/nowhere"))
    assert [source.name for source in server_sources(config)] == [
        "apache",
        "php_fpm:http://127.0.0.1/fpm-status?json",
        "php_fpm:http://127.0.0.1/fpm-status-admin?json",
        "mysql",
    ]
    assert server_sources(MetricsConfig()) == []
