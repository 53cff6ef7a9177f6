"""When hosts publish: spread over the minute, each always at its own moment."""

from __future__ import annotations

import random
from collections import Counter
from statistics import median

from vawsum_agent.metrics.publish.phase import SPREAD_S, phase_s

HOSTS = 1000
PERIOD_S = 60


def test_a_thousand_hosts_do_not_call_in_the_same_second() -> None:
    """1,000 hosts' publishing times simulated from their instance ids: peak second <= 3 x mean, in a hundred fleets."""
    peaks = []
    for fleet in range(100):
        dice = random.Random(fleet)
        ids = [f"i-{dice.getrandbits(68):017x}" for _ in range(HOSTS)]
        peaks.append(max(Counter(int(phase_s(instance_id)) for instance_id in ids).values()))
    assert max(peaks) <= 3 * HOSTS / PERIOD_S
    assert median(peaks) <= 2 * HOSTS / PERIOD_S


def test_neighbours_are_spread_as_well() -> None:
    """Ids that differ in their last digits only are spread no worse."""
    seconds = Counter(int(phase_s(f"i-0abcdef01234{number:04x}")) for number in range(HOSTS))
    assert max(seconds.values()) <= 3 * HOSTS / PERIOD_S


def test_a_host_keeps_its_moment() -> None:
    """A restart does not move a host, and none publishes later than the spread allows."""
    assert phase_s("i-0abc") == phase_s("i-0abc")
    assert all(0 <= phase_s(str(number)) < SPREAD_S for number in range(HOSTS))
