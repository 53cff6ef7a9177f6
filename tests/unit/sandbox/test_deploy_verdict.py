"""The deploys scene succeeds only when both books tell the same, and nobody met a failure but while it was watched."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sandbox.demo.deploy_verdict import DeployVerdict, Service
from sandbox.host.steady_traffic import Failure

HOSTS = ["i-1", "i-2"]
WHERE = {"i-1": "127.0.0.1:1", "i-2": "127.0.0.1:2"}
MET = Failure(number=5, at=150.0, took_s=0.1, status=500, what="i-2 failing")


def row(number: int, host: str, status: str = "200") -> dict[str, Any]:
    """A line of the balancer's log."""
    return {"uri": f"/index.php?n={number}", "status": status, "upstream": WHERE[host]}


ROWS = [row(0, "i-1"), row(1, "i-2"), row(2, "i-1"), row(3, "i-2"), row(4, "i-2"), row(5, "i-2", "500")]
PLACES = [("i-1", 1, "healthy"), ("i-2", 2, "healthy")]
GOOD = DeployVerdict(
    hosts=HOSTS,
    first="first",
    good="good",
    broken="broken",
    failing="failing",
    guarded="i-2",
    upstream=WHERE["i-2"],
    service=Service(100.0, 200.0),
    seen={"i-1 first": 1, "i-2 first": 1, "i-1 good": 1, "i-2 good": 1, "i-2 failing": 1},
    failures=[MET],
    balanced=ROWS,
    before=PLACES,
    after=PLACES,
    violations=0,
)


def test_all_came_out() -> None:
    """What was met while it was watched is counted, and is no other failure."""
    assert all(GOOD.promises().values()), GOOD.promises()
    assert GOOD.rows()[-1][1:] == ("0", "1")
    assert GOOD.count == 6


SPOILT: dict[str, dict[str, Any]] = {
    "a failure after it was taken back": {"failures": [replace(MET, at=201.0)]},
    "a failure before it was in service": {"failures": [replace(MET, at=99.0)]},
    "nobody knows when it was in service": {"service": None},
    "a failure of another release": {"failures": [replace(MET, what="i-2 good")]},
    "a failure on another host": {"failures": [replace(MET, what="i-1 failing")]},
    "another failure": {"failures": [replace(MET, status=503)]},
    "no answer": {"failures": [replace(MET, status=0)]},
    "nobody met what should be met": {"failures": [], "balanced": ROWS[:-1]},
    "the balancer knows of another failure": {"balanced": [row(0, "i-1", "502"), *ROWS[1:]]},
    "the balancer lacks a request": {"balanced": ROWS[1:]},
    "the balancer has one twice": {"balanced": [*ROWS, ROWS[0]]},
    "the balancer has one that nobody sent": {"balanced": [*ROWS[1:], {**ROWS[0], "uri": "/"}]},
    "it failed on another host by the balancer's books": {"balanced": [*ROWS[:-1], row(5, "i-1", "500")]},
    "the broken one answered": {"seen": {**GOOD.seen, "i-2 broken": 1}, "balanced": [*ROWS, row(6, "i-2")]},
    "an answer of nobody's": {"seen": {**GOOD.seen, "": 1}, "balanced": [*ROWS, row(6, "i-2")]},
    "a host never answered with the good one": {
        "seen": {key: value for key, value in GOOD.seen.items() if key != "i-1 good"},
        "balanced": ROWS[1:],
    },
    "a host is registered elsewhere": {"after": [("i-1", 9, "healthy"), PLACES[1]]},
    "a host is not healthy": {"before": [PLACES[0]], "after": [PLACES[0]]},
    "a rule was broken": {"violations": 1},
}


@pytest.mark.parametrize("what", SPOILT)
def test_one_thing_went_wrong(what: str) -> None:
    """It is seen, whatever it is."""
    assert not all(replace(GOOD, **SPOILT[what]).promises().values())
