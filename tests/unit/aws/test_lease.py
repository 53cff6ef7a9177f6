"""A lease, step by step: who gets it, what it tells, and how it is lost."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

import pytest

from tests.unit.aws.lease_bucket import Fault, HostClock, OneObject, Time
from vawsum_agent.aws.held import Held, LeaseLost
from vawsum_agent.aws.lease import HeldElsewhere, Lease
from vawsum_agent.aws.lease_record import (
    GRACE_S,
    LONGEST_TTL_S,
    LeaseRecord,
    decode,
    encode,
    may_take,
    next_generation,
    remaining_s,
)
from vawsum_agent.aws.lease_renewer import Renewer
from vawsum_agent.core.clock import SystemClock
from vawsum_agent.core.errors import Throttled, Unavailable

if TYPE_CHECKING:
    from collections.abc import Collection

KEY = "mysql/production-db/lease.json"
TTL_S = 300.0


class Setting:
    """A bucket, its time, and two hosts."""

    def __init__(self) -> None:
        self.time = Time()
        self.s3 = OneObject(self.time)
        self.one = Lease(self.s3, KEY, HostClock(self.time))
        self.two = Lease(self.s3, KEY, HostClock(self.time, wrong_s=-1e6))

    def held(self, lease: Lease, holder: str = "i-1", *, heir_of: Collection[str] = ()) -> Held:
        """Take it, which has to succeed."""
        got = lease.acquire(holder, TTL_S, heir_of=heir_of)
        assert isinstance(got, Held)
        return got

    def record(self) -> LeaseRecord:
        """What lies in the bucket."""
        found = decode(self.s3.body or b"")
        assert found is not None
        return found


@pytest.fixture
def setting() -> Setting:
    """A new one."""
    return Setting()


def record(**more: object) -> LeaseRecord:
    """Make a record."""
    told: dict[str, object] = {"generation": 4, "holder": "i-1", "nonce": "n", "ttl_s": TTL_S, **more}
    return LeaseRecord(**told)  # type: ignore[arg-type]


def test_the_content_is_what_was_agreed() -> None:
    """A frozen sample of the first format: another agent reads it."""
    content = {
        "format": 1, "generation": 4, "holder": "i-1", "nonce": "n", "write": 1, "ttl_s": 300.0, "is_released": False,
        "slot": None, "backup_id": "",
    }  # fmt: skip
    assert json.loads(encode(record())) == content
    assert decode(json.dumps({**content, "later": "field"}).encode()) == record()


@pytest.mark.parametrize(
    "content",
    [b"", b"null", b"[]", b"{}", b"\xff", b"[" * 100_000, encode(record(format=2)), encode(record(generation=0)),
     encode(record(ttl_s=0.0)), encode(record(ttl_s=1e9))],
    ids=["empty", "null", "list", "bare", "binary", "deep", "later", "no generation", "no time", "endless"],
)  # fmt: skip
def test_what_is_no_lease_is_told_from_one(content: bytes) -> None:
    """Nothing, other formats, and promises that nobody could wait for."""
    assert decode(content) is None


def test_only_what_is_free_or_too_old_may_be_taken() -> None:
    """Given back: at once; else after its time and the grace; what can't be read after the longest time there is."""
    assert may_take(record(is_released=True), 0)
    assert not may_take(record(), TTL_S + GRACE_S - 1)
    assert may_take(record(), TTL_S + GRACE_S)
    assert remaining_s(record(), 100) == TTL_S + GRACE_S - 100
    assert not may_take(None, LONGEST_TTL_S)
    assert may_take(None, LONGEST_TTL_S + GRACE_S)


def test_generations_only_grow() -> None:
    """By one; from what the caller knows where there is no object; from the time where nobody can read it."""
    assert next_generation(record(), is_there=True, above=0, now=1e9) == 5
    assert next_generation(record(), is_there=True, above=9, now=1e9) == 10
    assert next_generation(None, is_there=False, above=0, now=0) == 1
    assert next_generation(None, is_there=False, above=9, now=0) == 10
    assert next_generation(None, is_there=True, above=9, now=1e9) == 1_000_000_000


def test_one_holds_it_and_the_other_is_told(setting: Setting) -> None:
    """Who has it and for how long; what was done stays known after it was given back."""
    assert setting.one.peek() is None
    held = setting.held(setting.one)
    setting.time.s += 100
    other = setting.two.acquire("i-2", TTL_S)
    assert other == HeldElsewhere("i-1", TTL_S + GRACE_S - 100, held.record)
    held.release(slot=86_400.0, backup_id="20261124T183000Z")
    held.release(slot=1.0)
    assert (held.is_lost, held.is_released) == (True, True)
    seen = setting.two.peek()
    assert seen is not None
    assert (seen.slot, seen.backup_id, seen.is_released, seen.generation) == (86_400.0, "20261124T183000Z", True, 1)
    again = setting.held(setting.two, "i-2")
    assert (again.generation, again.record.slot, again.record.backup_id) == (2, 86_400.0, "20261124T183000Z")
    again.release()
    assert setting.record().slot == 86_400.0


def test_renewing_keeps_it_and_not_renewing_loses_it(setting: Setting) -> None:
    """Each renewal gives the whole time again; without one its holder stops believing before anybody may take it."""
    held = setting.held(setting.one)
    for _ in range(5):
        setting.time.s += TTL_S - 1
        held.renew()
        assert held.remaining_s() == TTL_S
    setting.time.s += TTL_S
    assert (held.is_lost, held.remaining_s()) == (True, 0)
    assert isinstance(setting.two.acquire("i-2", TTL_S), HeldElsewhere)
    held.renew()
    assert held.remaining_s() == TTL_S
    setting.time.s += TTL_S + GRACE_S + 1
    taken = setting.held(setting.two, "i-2")
    for _ in range(2):
        with pytest.raises(LeaseLost, match="taken by"):
            held.renew()
    with pytest.raises(LeaseLost):
        held.release(slot=1.0)
    assert held.is_lost
    assert (taken.generation, setting.record().holder) == (2, "i-2")


def test_an_equal_write_would_change_nothing_so_none_is_equal(setting: Setting) -> None:
    """A host that looked before a renewal and writes after it is refused, although nothing else has changed."""
    held = setting.held(setting.one)
    setting.time.s += TTL_S + GRACE_S + 1
    setting.s3.before_write.append(held.renew)
    assert isinstance(setting.two.acquire("i-2", TTL_S), HeldElsewhere)
    assert not held.is_lost


@pytest.mark.parametrize("fault", ["conflict", None])
def test_a_race_is_lost_cleanly(setting: Setting, fault: Fault | None) -> None:
    """Whoever writes second has not got it; no error."""
    setting.s3.faults = [fault] if fault else []
    setting.s3.before_write.append(lambda: setting.held(setting.two, "i-2"))
    got = setting.one.acquire("i-1", TTL_S)
    assert isinstance(got, HeldElsewhere)
    assert got.holder == "i-2"
    setting.s3.body = None
    setting.s3.faults = ["conflict"] * 5
    assert setting.one.acquire("i-1", TTL_S) == HeldElsewhere("", 0.0, None)


def test_a_lost_answer_is_found_out(setting: Setting) -> None:
    """Taken, renewed and given back although S3's answers were lost: known by what is there."""
    setting.s3.faults = ["answer lost"]
    held = setting.held(setting.one)
    setting.time.s += 100
    setting.s3.faults = ["answer lost"]
    held.renew()
    assert held.remaining_s() == TTL_S
    setting.s3.faults = ["answer lost", "read fails"]
    with pytest.raises(Unavailable):
        held.renew()
    held.renew()
    setting.s3.faults = ["answer lost"]
    held.release(slot=5.0)
    assert setting.record().slot == 5.0


def test_what_is_not_done_is_said_so(setting: Setting) -> None:
    """Refused or lost on the way: it may be tried again, and time goes on."""
    setting.s3.faults = ["throttled"]
    with pytest.raises(Throttled):
        setting.one.acquire("i-1", TTL_S)
    held = setting.held(setting.one)
    setting.time.s += 100
    faults: tuple[Fault, ...] = ("lost", "refused", "conflict", "throttled")
    for fault in faults:
        setting.s3.faults = [fault]
        with pytest.raises((Unavailable, Throttled)):
            held.renew()
        assert held.remaining_s() == TTL_S - 100
    setting.s3.body = None
    with pytest.raises(LeaseLost, match="gone"):
        held.renew()


def test_an_acquisition_that_nobody_saw_is_no_obstacle_to_its_own_host(setting: Setting) -> None:
    """It was done after all: the same host takes it over at once, with a generation of its own."""
    setting.s3.faults = ["answer lost", "read fails"]
    with pytest.raises(Unavailable):
        setting.one.acquire("i-1", TTL_S)
    assert isinstance(setting.two.acquire("i-2", TTL_S), HeldElsewhere)
    assert setting.held(setting.one).generation == 2


def test_while_it_is_given_back_nobody_believes_to_have_it(setting: Setting) -> None:
    """The answer is lost and another host takes it: its old holder knew better than to go on."""
    held = setting.held(setting.one)
    setting.s3.faults = ["answer lost", "read fails"]
    with pytest.raises(Unavailable):
        held.release()
    assert held.is_lost
    with pytest.raises(LeaseLost, match="given back"):
        held.renew()
    assert setting.held(setting.two, "i-2").generation == 2
    with pytest.raises(LeaseLost):
        held.release()


def test_an_heir_need_not_wait(setting: Setting) -> None:
    """A host that knows its own killed process takes over; with another nonce it waits."""
    dead = setting.held(setting.one)
    for nonce in ("other", ""):
        assert isinstance(setting.two.acquire("i-1", TTL_S, heir_of=[nonce]), HeldElsewhere)
    assert setting.held(setting.two, heir_of=[dead.record.nonce]).generation == 2


def test_what_can_not_be_read_is_waited_for_and_outnumbered(setting: Setting) -> None:
    """After the longest time a lease may live it is taken, with a generation that nobody can have counted to."""
    setting.s3.body, setting.s3.modified_at = b"?", float(int(setting.time.s))
    assert setting.one.peek() is None
    assert setting.one.acquire("i-1", TTL_S) == HeldElsewhere("", LONGEST_TTL_S + GRACE_S, None)
    setting.time.s += LONGEST_TTL_S + GRACE_S + 1
    assert setting.held(setting.one).generation == int(setting.time.s)


def test_a_renewer_renews_in_time_and_tells_of_a_loss(setting: Setting) -> None:
    """Every third of its time; failures are made up for; what is lost is told once, and ends it."""
    lease = Lease(setting.s3, KEY, SystemClock())
    got = lease.acquire("i-1", 0.3)
    assert isinstance(got, Held)
    lost = threading.Event()
    with Renewer(got, lost.set) as renewer:
        setting.s3.faults = ["throttled", "lost"]
        waited = threading.Event()
        while got.record.write < 6:
            waited.wait(0.01)
        assert not lost.is_set()
        setting.s3.body = encode(record(holder="i-2", nonce="other"))
        assert lost.wait(60)
        assert renewer.is_lost
        assert isinstance(renewer.last_error, LeaseLost)
    released = lease.acquire("i-1", 0.03, heir_of=["other"])
    assert isinstance(released, Held)
    lost.clear()
    with Renewer(released, lost.set):
        released.release()
        waited.wait(0.1)
    assert not lost.is_set()
