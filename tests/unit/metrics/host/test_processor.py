"""Processor time by state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from vawsum_agent.metrics.host.processor import Processor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vawsum_agent.core.metric import Reading

STATES = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal", "guest", "guest_nice")


def times(**seconds: float) -> dict[str, float]:
    """Times by state, nothing where none is named."""
    return dict.fromkeys(STATES, 0.0) | seconds


def shares(readings: Sequence[Reading]) -> dict[str, float]:
    """Shares by state."""
    return {reading.name.removeprefix("cpu_usage_"): reading.value for reading in readings}


def one_processor() -> Processor:
    """A source on a host of one processor that has looked once."""
    source = Processor(times, lambda: 1)
    source.collect()
    return source


def test_shares_are_of_the_time_that_was_spent() -> None:
    """Ten seconds, six of them idle: 60 % idle, 40 % active, by state."""
    readings = one_processor().derive(times(user=2, system=1, iowait=1, idle=6), 10.0)
    found = shares(readings)
    assert (found["user"], found["system"], found["iowait"], found["idle"]) == (20, 10, 10, 60)
    assert found["active"] == 40, "waiting for disks is active, as with the CloudWatch agent"
    assert {reading.dimensions for reading in readings} == {(("cpu", "cpu-total"),)}


def test_guests_do_not_count_twice() -> None:
    """The kernel counts a guest's time as the user's too; the shares still add up to all there is."""
    found = shares(one_processor().derive(times(user=4, guest=3, nice=2, guest_nice=1, idle=4), 10.0))
    assert (found["user"], found["guest"], found["nice"], found["guest_nice"]) == (10, 30, 10, 10)
    assert sum(found[state] for state in STATES) == 100


def test_a_first_look_gives_nothing() -> None:
    """Without an earlier look there are no shares, rather than those since boot."""
    assert one_processor().derive({}, 10.0) == ()


def test_no_time_gives_nothing() -> None:
    """Two looks within one tick of the clock divide nothing by nothing."""
    assert one_processor().derive(times(), 10.0) == ()


def test_a_time_that_goes_back_counts_as_one_that_stands_still() -> None:
    """The kernel's iowait sinks at times; that is no new beginning, which would look like years of waiting."""
    seen = iter([times(iowait=5000.5, idle=9.0), times(iowait=5000.4, idle=10.0)])
    source = Processor(lambda: next(seen), lambda: 1)
    before, after = source.collect().counters, source.collect().counters
    assert after["iowait"] - before["iowait"] == 0
    assert after["idle"] - before["idle"] == 1


def test_more_time_than_there_was_is_left_out() -> None:
    """Where a time went back across a restart, its increase is all since boot: no shares, rather than false ones."""
    assert one_processor().derive(times(iowait=5000.4, idle=10), 10.0) == ()


def test_hosts_of_many_processors_spend_more_than_passes() -> None:
    """On 64 processors, 640 seconds in ten."""
    source = Processor(times, lambda: 64)
    source.collect()
    assert shares(source.derive(times(user=160, idle=480), 10.0))["user"] == 25


def test_rounding_does_not_pass_all_there_is() -> None:
    """100 * 0.69 / 0.69 is a hair above 100, which would be left out as absurd."""
    assert shares(one_processor().derive(times(user=0.69), 10.0))["user"] == 100


@given(st.fixed_dictionaries({state: st.floats(0, 1e6) for state in STATES}), st.floats(0.001, 300))
def test_shares_are_shares(increases: dict[str, float], elapsed_s: float) -> None:
    """Whatever the kernel says, no share is below 0 or above 100."""
    readings = one_processor().derive(increases, elapsed_s)
    assert all(0 <= reading.value <= 100 for reading in readings)
