"""Memory and swap."""

from __future__ import annotations

from vawsum_agent.metrics.host.memory import Memory

MEMORY: dict[str, float] = {
    "total": 1000,
    "available": 600,
    "used": 400,
    "free": 100,
    "buffers": 50,
    "cached": 550,
    "active": 20,
    "inactive": 30,
}


def read(memory: dict[str, float], swap: dict[str, float]) -> dict[str, float]:
    """Values by name."""
    return {reading.name: reading.value for reading in Memory(lambda: memory, lambda: swap).collect().gauges}


def test_used_is_what_the_cloudwatch_agent_calls_used() -> None:
    """Neither free nor buffered nor cached: 300 of 1000, where psutil itself says 400."""
    found = read(MEMORY, {"used": 25, "free": 75, "total": 100})
    assert (found["mem_used"], found["mem_used_percent"]) == (300, 30)
    assert (found["mem_available"], found["mem_available_percent"]) == (600, 60)
    assert (found["swap_used"], found["swap_free"], found["swap_used_percent"]) == (25, 75, 25)


def test_a_host_without_swap_uses_none_of_it() -> None:
    """0 %, not a division by zero."""
    assert read(MEMORY, {"used": 0, "free": 0, "total": 0})["swap_used_percent"] == 0


def test_sums_that_contradict_each_other_are_not_negative() -> None:
    """The kernel's counts are not of one moment."""
    assert read(MEMORY | {"cached": 990}, {"used": 0, "free": 0, "total": 0})["mem_used"] == 0
