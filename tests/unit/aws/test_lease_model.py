"""Several hosts, one lease, and all that can go wrong between them and S3."""

from __future__ import annotations

import contextlib
import itertools
from functools import partial

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.counts import count
from tests.unit.aws.lease_bucket import Fault, HostClock, OneObject, Time
from vawsum_agent.aws.held import Held
from vawsum_agent.aws.lease import Lease
from vawsum_agent.aws.lease_record import decode
from vawsum_agent.core.errors import AwsError

KEY = "mysql/production-db/lease.json"
TTL_S = 300.0
HOSTS = st.integers(0, 2)
FAULTS: st.SearchStrategy[list[Fault]] = st.sampled_from(
    [
        [],
        ["throttled"],
        ["conflict"],
        ["refused"],
        ["lost"],
        ["late"],
        ["late", "read fails"],
        ["answer lost"],
        ["answer lost", "read fails"],
        ["conflict", "late"],
    ]
)
"""Of the next requests, one after the other."""


class Hosts(RuleBasedStateMachine):
    """Three hosts whose clocks are wrong and drift take, renew, give back and crash; one may cut in on another."""

    def __init__(self) -> None:
        super().__init__()
        self.time = Time()
        self.s3 = OneObject(self.time)
        self.numbers = itertools.count()
        self.held: dict[int, Held] = {}
        self.leases: dict[int, Lease] = {}
        self.generation = 0

    @initialize(rates=st.tuples(*[st.floats(0.99, 1.01)] * 3), wrong=st.tuples(*[st.floats(-1e6, 1e6)] * 3))
    def begin(self, rates: tuple[float, ...], wrong: tuple[float, ...]) -> None:
        """Set the hosts' clocks."""
        self.clocks = [HostClock(self.time, rate, wrong_s) for rate, wrong_s in zip(rates, wrong, strict=True)]
        for host in range(3):
            self.restart(host)

    def restart(self, host: int) -> None:
        """Begin anew with nothing in memory."""
        self.held.pop(host, None)
        self.leases[host] = Lease(self.s3, KEY, self.clocks[host], lambda: f"nonce {next(self.numbers)}")

    def take(self, host: int) -> None:
        """Acquire, as a host does that has it not."""
        if host in self.held:
            return
        with contextlib.suppress(AwsError):
            got = self.leases[host].acquire(f"i-{host}", TTL_S)
            if isinstance(got, Held):
                assert got.generation > self.generation, "a generation was given out twice"
                self.generation = got.generation
                self.held[host] = got

    @rule(host=HOSTS, faults=FAULTS)
    def acquires(self, host: int, faults: list[Fault]) -> None:
        """A host tries to take it."""
        self.s3.faults = list(faults)
        self.take(host)
        self.s3.faults = []

    @rule(host=HOSTS, other=HOSTS)
    def acquires_while_another_does(self, host: int, other: int) -> None:
        """Between a host's look and its write another one takes it."""
        if host != other:
            self.s3.before_write.append(partial(self.take, other))
            self.take(host)
            self.s3.before_write.clear()

    @rule(host=HOSTS, faults=FAULTS, delay_s=st.sampled_from([0.0, 1.0, 20.0, 400.0]))
    def renews(self, host: int, faults: list[Fault], delay_s: float) -> None:
        """A host renews; the request may take its time on the way."""
        if host not in self.held:
            return
        self.s3.faults = list(faults)
        self.s3.before_write.append(partial(self.passes, delay_s))
        with contextlib.suppress(AwsError):
            self.held[host].renew()
        self.s3.faults = []
        self.s3.before_write.clear()

    @rule(host=HOSTS, faults=FAULTS, slot=st.floats(0, 1e9))
    def gives_back(self, host: int, faults: list[Fault], slot: float) -> None:
        """A host gives it back; when that fails, it may try again, or die."""
        if host not in self.held:
            return
        self.s3.faults = list(faults)
        try:
            self.held[host].release(slot, "20261124T183000Z")
        except AwsError:
            pass
        else:
            self.held.pop(host)
        self.s3.faults = []

    @rule(host=HOSTS)
    def crashes(self, host: int) -> None:
        """A host forgets everything."""
        self.restart(host)

    @rule(seconds=st.sampled_from([0.4, 1.0, 30.0, TTL_S / 3, TTL_S - 1, TTL_S + 5, TTL_S + 11, 2 * TTL_S]))
    def passes(self, seconds: float) -> None:
        """Time goes by."""
        self.time.s += seconds

    @rule()
    def a_lost_request_arrives(self) -> None:
        """S3 carries out what somebody has long stopped waiting for."""
        if self.s3.late:
            with contextlib.suppress(AwsError):
                self.s3.late.pop(0)()

    @rule(content=st.sampled_from([b"", b"{}", b'{"format": 2, "generation": 7}', b"\xff\xfe"]))
    def somebody_spoils_it(self, content: bytes) -> None:
        """What is there is overwritten with what is no lease, when nobody has it."""
        if self.s3.body is not None and all(held.is_lost for held in self.held.values()):
            self.s3.body = content
            self.s3.modified_at = float(int(self.time.s))

    @invariant()
    def one_holder_at_most(self) -> None:
        """Of all that believe to hold it there is one at most, and the object names it."""
        believing = [held for held in self.held.values() if not held.is_lost]
        assert len(believing) <= 1
        if believing and self.s3.body is not None:
            record = decode(self.s3.body)
            assert record is not None
            assert record.nonce == believing[0].record.nonce

    def teardown(self) -> None:
        """Whatever happened, in the end somebody gets it."""
        self.held.clear()
        self.time.s += 2 * 3600
        self.take(0)
        assert 0 in self.held


TestHosts = Hosts.TestCase
TestHosts.settings = settings(max_examples=count(60, 5_000), stateful_step_count=40, deadline=None)
