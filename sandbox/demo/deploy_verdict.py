"""The end of the deploys scene: what visitors got, by their own books and by the balancer's, against what was deployed.

A request that a bad release answers with a 500 while it is watched has failed: that is what a guard costs. It is
counted as such, and every other failure is one too many.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sandbox.host.steady_traffic import Failure

_NUMBER = re.compile(r"[?&]n=(\d+)$")


@dataclass(frozen=True, slots=True)
class Service:
    """When a release may have been asked anything on a host: from when it was to come back to when it had left again.

    Both in seconds since the epoch, as the host's journal has them.
    """

    from_at: float
    until_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployVerdict:
    """What has to be right.

    Attributes:
        hosts: their names.
        first, good, broken, failing: releases: what was served before, what went to all hosts, what can't pass its
            health check, what answers 500 once it is warm.
        guarded: on which host the last two were tried.
        upstream: that host's address, as the balancer knows it.
        service: of the failing release there; None where the journal does not tell.
        seen: how often each answer came, ``host release``, of those that were 200.
        failures: the visitors' books on what was not.
        balanced: the balancer's books, on all requests.
        before, after: what was registered, and how.
        violations: requests that broke a rule of the service.
    """

    hosts: Sequence[str]
    first: str
    good: str
    broken: str
    failing: str
    guarded: str
    upstream: str
    service: Service | None
    seen: Mapping[str, int]
    failures: Sequence[Failure]
    balanced: Sequence[Mapping[str, Any]]
    before: Sequence[tuple[str, int, str]]
    after: Sequence[tuple[str, int, str]]
    violations: int

    @property
    def headings(self) -> tuple[str, ...]:
        """Of the table."""
        return ("answers of", *self.hosts)

    def rows(self) -> list[tuple[str, ...]]:
        """Return rows for `headings`."""
        names = {
            self.first: "the release before",
            self.good: "the good one",
            self.broken: "the one without its health check",
            self.failing: "the one that fails when warm",
        }
        rows = [
            (f"{name}: {release}", *(f"{self.seen.get(f'{host} {release}', 0):,}" for host in self.hosts))
            for release, name in names.items()
        ]
        failed = [str(len(self.met)) if host == self.guarded else "0" for host in self.hosts]
        return [*rows, ("    its 500s while it was watched", *failed)]

    @property
    def count(self) -> int:
        """How many requests ended, however."""
        return sum(self.seen.values()) + len(self.failures)

    @property
    def met(self) -> list[Failure]:
        """Failures that are the failing release's own, on its host, while it was in service."""
        return [failure for failure in self.failures if self._is_its(failure)]

    def _is_its(self, failure: Failure) -> bool:
        is_in_time = self.service is not None and self.service.from_at <= failure.at <= self.service.until_at
        return failure.status == 500 and failure.what == f"{self.guarded} {self.failing}" and is_in_time

    def promises(self) -> dict[str, bool]:
        """Return what was promised and whether it holds."""
        met, others = self.met, [failure for failure in self.failures if not self._is_its(failure)]
        answered = self.seen.get(f"{self.guarded} {self.failing}", 0) + len(met)
        broken = sum(count for answer, count in self.seen.items() if answer.endswith(f" {self.broken}"))
        served = {f"{host} {release}" for host in self.hosts for release in (self.first, self.good)}
        foreign = self.seen.keys() - served - {f"{self.guarded} {self.failing}"}
        return {
            f"requests: {self.count:,} in the visitors' books, {len(self.balanced):,} in the balancer's, which tell "
            f"the same of each": self._books_agree() and self.count > 0,
            f"each host answered with what it served before and with the good release; answers of anything else "
            f"than what was deployed there: {len(foreign)}": served <= self.seen.keys() and not foreign,
            f"answers of the release that could not pass its health check: {broken}": broken == 0,
            f"visitors who met a 500 of the release that fails when it is warm: {len(met)} of the {answered:,} it "
            f"answered, on one host of {len(self.hosts)}, none after it was taken back": 0 < len(met) < answered,
            f"requests that failed otherwise, while a release came to {len(self.hosts)} hosts, two were taken back and "
            f"one host went back: {len(others)}": not others,
            "every host is in its target group as before, and healthy": self.before == self.after and self._is_well(),
            f"violations of the service's rules: {self.violations}": self.violations == 0,
        }

    def _books_agree(self) -> bool:
        """Whether the balancer has each request once, and what was not 200 as the visitor has it, from that host."""
        rows = {_number(row): row for row in self.balanced}
        failed = {number: str(row["status"]) for number, row in rows.items() if str(row["status"]) != "200"}
        told = {failure.number: str(failure.status) for failure in self.failures}
        is_once = None not in rows and len(rows) == len(self.balanced) == self.count
        is_there = all(rows[number]["upstream"] == self.upstream for number in failed)
        return is_once and failed == told and is_there

    def _is_well(self) -> bool:
        return {name for name, _, state in self.after if state == "healthy"} == set(self.hosts)


def _number(row: Mapping[str, Any]) -> int | None:
    found = _NUMBER.search(str(row["uri"]))
    return int(found[1]) if found else None
