"""Rounds: every source has its own deadline, and what makes no sense is left out and counted."""

from __future__ import annotations

import math
import time
from queue import SimpleQueue
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.metrics.clocks import HandClock
from tests.unit.metrics.sample.sources import Hanging, ScriptedSource
from vawsum_agent.core.clock import SystemClock
from vawsum_agent.core.errors import AgentError
from vawsum_agent.core.metric import Collected, Reading
from vawsum_agent.metrics.sample.increases import Baseline
from vawsum_agent.metrics.sample.rounds import Rounds, decode_readings, encode_readings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NOTHING = Baseline("boot-1")


def well(value: float = 1.0) -> ScriptedSource:
    """A source that answers at once."""
    return ScriptedSource("well", lambda: Collected([Reading("up", value)]))


def test_a_hanging_source_holds_up_no_other() -> None:
    """When one source hangs, the others keep their beat and the sick one is marked; it is waited for once."""
    hanging = Hanging()
    rounds = Rounds([ScriptedSource("sick", hanging, limit_s=5.0), well()], wait_s=20.0, clock=SystemClock())
    first = rounds.take(NOTHING)
    begun = time.monotonic()
    second = rounds.take(first.baseline)
    assert time.monotonic() - begun < 4
    for result in (first, second):
        assert Reading("up", 1.0) in result.readings
        assert Reading("up", 0.0) in result.readings
        assert result.errors.keys() == {"sick"}
    hanging.released.set()
    time.sleep(0.1)
    assert not rounds.take(second.baseline).errors
    rounds.stop()


def test_an_answer_past_its_limit_does_not_count() -> None:
    """What a source says after its deadline is old: it is not published as if it were of now."""

    def dawdle() -> Collected:
        time.sleep(0.3)
        return Collected([Reading("up", 1.0)])

    slow = ScriptedSource("slow", dawdle, limit_s=0.1)
    rounds = Rounds([slow], wait_s=5.0, clock=SystemClock())
    assert rounds.take(NOTHING).errors.keys() == {"slow"}
    time.sleep(0.4)
    assert rounds.take(NOTHING).readings == [Reading("up", 0.0)]
    rounds.stop()


class Gates:
    """Looks that take until they are let go one by one; each tells its number."""

    def __init__(self) -> None:
        self.opened: SimpleQueue[Exception | None] = SimpleQueue()
        self.looks = 0

    def __call__(self) -> Collected:
        """Look."""
        error = self.opened.get(timeout=30)
        self.looks += 1
        if error is not None:
            raise error
        return Collected([Reading("up", float(self.looks))], {"a": 10.0 * self.looks})

    def let_one_go(self, rounds: Rounds, error: Exception | None = None) -> None:
        """End the look that is under way, and see that its answer has come."""
        self.opened.put(error)
        while rounds._asked[0]._is_busy:
            time.sleep(0.01)


def test_a_source_slower_than_the_beat_is_not_down() -> None:
    """Within its own limit it is in the round after, with its increases; until then it is neither up nor down."""
    slow = Gates()
    rounds = Rounds([ScriptedSource("slow", slow), well()], wait_s=0.05, clock=SystemClock())
    result = rounds.take(NOTHING)
    told = []
    for _ in range(3):
        assert (result.readings, result.errors) == ([Reading("up", 1.0)], {}), "the others alone"
        result = rounds.take(result.baseline)
        assert result.readings == [Reading("up", 1.0)], "and again, while it takes its time"
        slow.let_one_go(rounds)
        result = rounds.take(result.baseline)
        assert not result.errors
        told.append(result.readings[:-1])
        result = rounds.take(result.baseline)
    assert told[0] == [Reading("up", 1.0)]
    assert told[1] == [Reading("up", 2.0), Reading("requests", 10.0, (("key", "a"),))]
    rounds.stop()
    slow.opened.put(None)


def test_a_fresh_answer_is_told_before_one_that_came_late() -> None:
    """A source that is quick again is not told a round behind for ever."""
    slow = Gates()
    source = ScriptedSource("slow", slow)
    rounds = Rounds([source], wait_s=0.05, clock=SystemClock())
    result = rounds.take(NOTHING)
    slow.let_one_go(rounds)
    slow.opened.put(None)
    rounds._wait_s = 5.0
    assert rounds.take(result.baseline).readings == [Reading("up", 2.0)]
    rounds.stop()


def test_a_source_that_is_down_stays_so_until_it_has_answered() -> None:
    """While it takes its time after a failure it is not taken for well."""
    slow = Gates()
    rounds = Rounds([ScriptedSource("slow", slow)], wait_s=0.05, clock=SystemClock())
    rounds.take(NOTHING)
    slow.let_one_go(rounds, AgentError("it is down", hint="start it"))
    for _ in range(2):
        result = rounds.take(NOTHING)
        assert result.readings == [Reading("up", 0.0)]
        assert result.errors["slow"].message == "it is down"
    slow.let_one_go(rounds)
    assert rounds.take(NOTHING).readings == [Reading("up", 2.0)]
    assert not rounds.take(NOTHING).errors
    rounds.stop()
    slow.opened.put(None)


def test_an_answer_past_the_limit_that_comes_between_two_rounds_is_an_error() -> None:
    """However long the rounds are apart, a source that is always too slow is down."""
    clock, slow = HandClock(), Gates()
    rounds = Rounds([ScriptedSource("slow", slow)], wait_s=0.0, clock=clock)
    assert not rounds.take(NOTHING).errors
    clock.advance(5.5)
    slow.let_one_go(rounds)
    result = rounds.take(NOTHING)
    assert result.readings == [Reading("up", 0.0)]
    assert result.errors["slow"].message == "slow: took 5.5 s, longer than 5 s"
    rounds.stop()
    slow.opened.put(None)


def test_an_answer_that_lay_about_too_long_is_not_told_as_of_now() -> None:
    """After a pause of the rounds what came before it is old."""
    clock, slow = HandClock(), Gates()
    rounds = Rounds([ScriptedSource("slow", slow)], wait_s=0.0, clock=clock)
    rounds.take(NOTHING)
    slow.let_one_go(rounds)
    clock.advance(5.5)
    result = rounds.take(NOTHING)
    assert (result.readings, result.errors) == ([], {})
    rounds.stop()
    slow.opened.put(None)


@pytest.mark.parametrize(
    "error", [AgentError("it is down", hint="start it"), OSError(2, "no such file"), KeyError("x")]
)
def test_a_source_that_fails_is_down(error: Exception) -> None:
    """A source that raises, whatever it raises, is down; the others are as they were."""

    def fail() -> Collected:
        raise error

    rounds = Rounds([ScriptedSource("sick", fail), well()], wait_s=5.0, clock=SystemClock())
    result = rounds.take(NOTHING)
    assert result.readings == [Reading("up", 0.0), Reading("up", 1.0)]
    assert result.errors["sick"].message
    rounds.stop()


def test_values_that_make_no_sense_are_left_out_and_counted() -> None:
    """When a page says NaN, negative or absurd values, then they are left out and counted, never sent."""
    values = [math.nan, math.inf, -math.inf, -1.0, 100.5, 1e300]
    source = ScriptedSource(
        "odd", lambda: Collected([Reading("share", value) for value in [*values, 42.0]], left_out=2)
    )
    rounds = Rounds([source], wait_s=5.0, clock=SystemClock())
    result = rounds.take(NOTHING)
    assert result.readings == [Reading("share", 42.0)]
    assert result.left_out == len(values) + 2
    rounds.stop()


class Defective(ScriptedSource):
    """A source whose own code fails in one of its parts."""

    def __init__(self, part: str) -> None:
        super().__init__("sick", lambda: Collected([Reading("up", 1.0)], {"a": self._total()}))
        self.part = part

    def _total(self) -> float:
        return None if self.part == "counters" else float(self.looks)  # type: ignore[return-value]

    def _fail(self, part: str) -> None:
        if part == self.part:
            raise ZeroDivisionError(part)

    def collect(self) -> Collected:
        """See `MetricSource.collect`."""
        self._fail("collect")
        if self.part in ("down", "down with nonsense"):
            raise AgentError("it is down", hint="start it")
        return super().collect()

    def derive(self, increases: Mapping[str, float], elapsed_s: float) -> Sequence[Reading]:
        """See `MetricSource.derive`."""
        self._fail("derive")
        return super().derive(increases, elapsed_s)

    def down(self) -> Sequence[Reading]:
        """See `MetricSource.down`."""
        self._fail("down")
        if self.part == "down with nonsense":
            return [Reading("up", None)]  # type: ignore[arg-type]
        return super().down()


@pytest.mark.parametrize(
    ("part", "told"),
    [
        ("collect", [Reading("up", 0.0)]),
        ("derive", [Reading("up", 1.0)]),
        ("counters", [Reading("up", 1.0)]),
        ("down", []),
        ("down with nonsense", []),
    ],
)
def test_a_defect_in_one_source_ends_neither_the_round_nor_what_was_read(part: str, told: list[Reading]) -> None:
    """Whichever of a source's functions fails, the others are published; it is an error, and counted as a defect."""
    sick = Defective(part)
    rounds = Rounds([sick, well()], wait_s=5.0, clock=SystemClock())
    before = Baseline("boot-1", {"sick": SystemClock().now() - 10}, {"sick": {"a": 0.0}})
    result = rounds.take(before)
    assert result.readings == [*told, Reading("up", 1.0)]
    assert result.errors.keys() == {"sick"}
    assert result.defect_count == 1
    assert "report it" in result.errors["sick"].hint
    sick.part = ""
    after = rounds.take(result.baseline)
    assert not after.errors
    assert after.readings[1] == Reading("requests", float(sick.looks), (("key", "a"),)), "nothing is missing"
    rounds.stop()


def test_a_metric_that_no_source_lists_is_left_out_and_counted() -> None:
    """A name that was mistyped does not end the round."""
    source = ScriptedSource("odd", lambda: Collected([Reading("unheard_of", 1.0), Reading("up", 1.0)]))
    rounds = Rounds([source], wait_s=5.0, clock=SystemClock())
    result = rounds.take(NOTHING)
    assert (result.readings, result.left_out) == ([Reading("up", 1.0)], 1)
    rounds.stop()


def test_counters_count_on_from_the_round_before() -> None:
    """The increase is what was added since the last round, be it one of an earlier process; the first shows none."""
    totals = {"a": 10.0}
    clock = SystemClock()
    source = ScriptedSource("counting", lambda: Collected(counters=dict(totals)))
    first = Rounds([source], wait_s=5.0, clock=clock).take(NOTHING)
    assert first.readings == []
    totals["a"] = 15.0
    restarted = Rounds([source], wait_s=5.0, clock=clock).take(first.baseline)
    assert restarted.readings == [Reading("requests", 5.0, (("key", "a"),))]


def test_an_increase_over_hours_is_not_told_as_of_now() -> None:
    """After a stop of hours the first round tells no increases: they would all seem to be of one moment."""
    clock = SystemClock()
    source = ScriptedSource("counting", lambda: Collected(counters={"a": 10.0}))
    old = Baseline("boot-1", {"counting": clock.now() - 7200}, {"counting": {"a": 1.0}})
    assert Rounds([source], wait_s=5.0, clock=clock).take(old).readings == []


def test_a_total_that_is_no_number_is_not_counted_from() -> None:
    """NaN in a counter makes neither an increase nor a baseline."""
    source = ScriptedSource("counting", lambda: Collected(counters={"a": math.nan, "b": -1.0, "c": 3.0}))
    result = Rounds([source], wait_s=5.0, clock=SystemClock()).take(NOTHING)
    assert result.baseline.totals == {"counting": {"c": 3.0}}


@given(
    st.lists(st.tuples(st.text(max_size=9), st.floats(0, 1e15), st.lists(st.tuples(st.text(), st.text()), max_size=2)))
)
def test_readings_come_back(rows: list[tuple[str, float, list[tuple[str, str]]]]) -> None:
    """What a round kept in the store is what is sealed later, by this process or the next."""
    readings = [Reading(name, value, tuple(dimensions)) for name, value, dimensions in rows]
    assert decode_readings(encode_readings(readings)) == readings


@pytest.mark.parametrize("body", [b"", b"{}", b"[1]", b'[["a"]]', b'[["a","x",[]]]', b'[["a",1,[["b"]]]]'])
def test_damaged_rounds_are_told(body: bytes) -> None:
    """A round that can't be read raises ValueError and nothing else."""
    if body == b"{}":
        assert decode_readings(body) == []
        return
    with pytest.raises(ValueError, match="unreadable"):
        decode_readings(body)
