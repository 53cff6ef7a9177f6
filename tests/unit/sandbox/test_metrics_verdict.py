"""The metrics scene succeeds only when the access log, the daemon's ledger and CloudWatch tell the same."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sandbox.demo.metrics_verdict import (
    Distribution,
    Ledger,
    MetricsVerdict,
    Requests,
    distribution,
    read_ledger,
    read_log,
    read_metrics,
)
from sandbox.records import MetricDatum

LINES = [
    '127.0.0.1 - - [24/Nov/2026:16:27:30 +0000] "GET /a?id=1 HTTP/1.1" 200 215 "-" "Mozilla/5.0 (X11)" 1500 0',
    '127.0.0.1 - - [24/Nov/2026:16:27:30 +0000] "GET /b?id=2 HTTP/1.1" 503 - "-" "Mozilla/5.0 (X11)" 2500000 2',
]
REQUESTS = read_log(LINES)
SETTLED = Ledger(spooled=7, accepted=7, dropped=0, waiting=0, resent=3)
VERDICT = MetricsVerdict(
    written=REQUESTS,
    told=REQUESTS,
    told_of_group=REQUESTS,
    ledger=SETTLED,
    stored=7,
    stored_of_group=7,
    minutes_due=frozenset({1, 2}),
    minutes_beaten=frozenset({1, 2, 3}),
    subjects=["[DEGRADED] metrics on i-1 (demo web)"],
    unlogged=0,
    violations=0,
)


def datum(name: str, values: list[float], counts: list[float], request_id: str = "1") -> MetricDatum:
    """A datum as the sandbox tells of it."""
    return MetricDatum("CWAgent", name, {"InstanceId": "i-1"}, "Count", 60_000, values, counts, request_id, None, 60)


def requests(count: int = 2, errors: int = 1, latencies: int = 2) -> Requests:
    """Requests of these counts."""
    return Requests(count, errors, Distribution([(1.0, latencies)]))


def slow(factor: float) -> Requests:
    """The requests of the log with other latencies."""
    return Requests(2, 1, Distribution([(1.5 * factor, 1), (2500 * factor, 1)]))


def test_what_was_promised_came_out() -> None:
    """When everything agrees, every promise holds, one datum stored twice that the daemon knows of included."""
    assert all(VERDICT.promises().values())
    assert all(replace(VERDICT, stored=8).promises().values())
    assert all(replace(VERDICT, told=slow(1.03)).promises().values())


@pytest.mark.parametrize(
    "flaw",
    [
        {"told": requests(count=1)},
        {"told": requests(errors=0), "told_of_group": requests(errors=0)},
        {"told": requests(latencies=1), "told_of_group": requests(latencies=1)},
        {"told": slow(1.15)},
        {"told_of_group": requests(count=3)},
        {"ledger": SETTLED._replace(spooled=8)},
        {"ledger": SETTLED._replace(spooled=8, dropped=1)},
        {"ledger": SETTLED._replace(spooled=8, waiting=1)},
        {"ledger": Ledger(0, 0, 0, 0, 0), "stored": 0},
        {"stored": 6},
        {"stored": 11},
        {"minutes_beaten": frozenset({1})},
        {"minutes_due": frozenset()},
        {"subjects": []},
        {"subjects": ["[DEGRADED] logs on i-1 (demo web)"]},
        {"subjects": [*VERDICT.subjects, "[DEGRADED] logs on i-1 (demo web)"]},
        {"unlogged": 1},
        {"violations": 1},
    ],
)
def test_one_flaw_spoils_the_verdict(flaw: dict[str, object]) -> None:
    """Each alone is failure: a request too few, a datum lost or twice unknown, a minute, a message, a violation."""
    assert not all(replace(VERDICT, **flaw).promises().values())  # type: ignore[arg-type]


def test_without_errors_the_act_proved_nothing() -> None:
    """PHP-FPM was stopped: an access log without a single 5xx is no proof that these are counted."""
    calm = read_log(LINES[:1])
    assert not all(replace(VERDICT, written=calm, told=calm, told_of_group=calm).promises().values())


def test_log_tells_requests_errors_and_latency() -> None:
    """Status and microseconds come from the end of a line, whatever the browser calls itself."""
    assert REQUESTS.counts == (2, 1, 2)
    assert REQUESTS.latency.percentile(50) == 1.5
    assert REQUESTS.latency.percentile(99) == 2500
    assert read_log(["no line of this form"]).counts == (1, 0, 0)


def test_metrics_tell_the_same_and_what_is_twice_counts_once() -> None:
    """Distributions of several data are summed up; where some are stored twice, equal ones count once."""
    rows = [
        datum("http_requests", [2.0], [1.0]),
        datum("http_responses_5xx", [1.0], [1.0]),
        datum("http_latency", [1.5, 2500.0], [1.0, 1.0]),
        datum("cpu_usage_idle", [99.0], [60.0]),
    ]
    assert read_metrics(rows).agrees_with(REQUESTS)
    again = [replace(row, request_id="2") for row in rows]
    assert read_metrics([*rows, *again]).counts == (4, 2, 4)
    assert read_metrics([*rows, *again], twice=4).agrees_with(REQUESTS)


def test_distribution_is_weighed() -> None:
    """Mean, bounds and samples know how often each value was met; without any there is no figure."""
    both = distribution([datum("a", [1.0, 4.0], [2.0, 1.0]), datum("a", [0.0], [1.0])])
    assert both.row("a") == ("a", "1.5", "0.0", "4.0", "4")
    assert both.percentile(75) == 1
    assert distribution([]).row("a") == ("a", "-", "-", "-", "0")
    assert distribution([]).percentile(99) == 0


def test_ledger_of_a_status() -> None:
    """What was dropped for any reason is dropped; a daemon that does not answer has no ledger, and proves nothing."""
    dropped = {"spool_full": 1, "too_old": 2}
    details = {"spooled_data": 9, "accepted_data": 5, "waiting_data": 1, "resent_data": 4}
    assert read_ledger({"details": {**details, "dropped_data_by_reason": dropped}}) == (9, 5, 3, 1, 4)
    assert not read_ledger({}).is_settled
