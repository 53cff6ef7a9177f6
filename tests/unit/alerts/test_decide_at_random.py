"""Any sequence of looks, restarts and jumps of the clock keeps the promises of `decide`."""

from __future__ import annotations

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.counts import count
from tests.unit.alerts.looking import EPOCH, status
from vawsum_agent.alerts.decide import DEGRADED_S, LONGEST_STEP_S, QUIET_S, WELL_S, Kind, Look, Verdict, decide
from vawsum_agent.alerts.memory import CALM, Memory
from vawsum_agent.alerts.news import FIRST_GAP_S, LASTING_S, UPDATE_S
from vawsum_agent.core.component import State

STEPS = st.sampled_from([1.0, 14.875, 15.0, 15.125, 29.0, 40.0])
"""Whole eighths of a second: sums of them are exact, so that what is compared are promises and no last digits."""
ERRORS = st.lists(st.sampled_from(["no credentials", "no such group", "disk full"]), unique=True)
BAD = {State.DEGRADED, State.FAILED}
ENDS = {Kind.RECOVERY, Kind.REMOVAL}


class Alerting(RuleBasedStateMachine):
    """One component; beside it a plain account of what was seen and said."""

    def __init__(self) -> None:
        super().__init__()
        self.memory: Memory = CALM
        self.wall = EPOCH
        self.is_new_process = True
        self.observed_s = 0.0
        self.is_open = False
        self.ended_s = self.told_s = float("-inf")
        self.named: set[str] = set()
        self.ever_named: set[str] = set()
        self.there_s: dict[str, float] = {}
        self.bad_looks: list[State] = []
        self.bad_s = 0.0
        self.well_s: float | None = None

    @rule(state=st.sampled_from([*State, None]), errors=ERRORS, elapsed_s=STEPS, times=st.integers(1, 25))
    def look(self, state: State | None, errors: list[str], elapsed_s: float, times: int) -> None:
        """The component is so for a while."""
        for _ in range(times):
            self.look_once(state, errors, elapsed_s)

    @rule(state=st.sampled_from(sorted(BAD)), errors=ERRORS, times=st.integers(20, 150))
    def last(self, state: State, errors: list[str], times: int) -> None:
        """The component is bad for long."""
        for _ in range(times):
            self.look_once(state, errors, 15.0)

    @rule()
    def restart(self) -> None:
        """The daemon dies and comes back: what is left is what was written down."""
        if self.memory != CALM:
            self.memory = msgspec.json.decode(msgspec.json.encode(self.memory), type=Memory)
        self.is_new_process = True

    @rule(eighths=st.integers(-8_000_000, 8_000_000))
    def jump(self, eighths: int) -> None:
        """Somebody sets the clock."""
        self.wall += eighths / 8

    def look_once(self, state: State | None, errors: list[str], elapsed_s: float) -> None:
        """Look, and hold what comes of it against the account."""
        self.wall += elapsed_s
        look = Look(self.wall, None if self.is_new_process else elapsed_s)
        step_s = 0.0 if self.is_new_process else min(elapsed_s, LONGEST_STEP_S)
        self.is_new_process = False
        self.observed_s += step_s
        self.account(state, step_s)
        self.account_kinds(state, errors, step_s)
        now = None if state is None else status(state, *errors)
        self.memory, verdict = decide(self.memory, now, look)
        if verdict is None:
            self.assert_nothing_was_due()
            return
        if verdict.kind is Kind.ALERT:
            self.assert_alert_is_due(state)
            self.told(verdict, state, errors)
        elif verdict.kind is Kind.UPDATE:
            self.assert_update_is_due(state)
            self.told(verdict, state, errors)
        else:
            assert verdict.kind in ENDS
            assert self.is_open
            assert self.well_s is not None
            assert self.well_s >= WELL_S
            self.is_open, self.ended_s = False, self.observed_s
            self.bad_looks, self.bad_s = [], 0.0

    def account(self, state: State | None, step_s: float) -> None:
        """Book what is seen: bad looks since it last ran, and for how long it has been well (or gone)."""
        if state in BAD:
            self.bad_s += step_s if self.bad_looks else 0.0
            self.bad_looks.append(state)
            self.well_s = None
        elif state in {State.RUNNING, None}:
            if not self.is_open:
                self.bad_looks, self.bad_s = [], 0.0
            kind_changed = getattr(self, "well_kind", state) is not state
            self.well_s = 0.0 if self.well_s is None or kind_changed else self.well_s + step_s
        else:
            self.well_s = None
        self.well_kind = state

    def account_kinds(self, state: State | None, errors: list[str], step_s: float) -> None:
        """Book for how long each problem, and the state itself, has been there without interruption."""
        if state in BAD:
            kinds = {str(state), *errors}
            before = self.there_s
            self.there_s = {kind: before[kind] + step_s if kind in before else 0.0 for kind in kinds}
        elif state is State.RUNNING:
            self.there_s = {}

    def told(self, verdict: Verdict, state: State | None, errors: list[str]) -> None:
        """Book what a message names; it names all there is."""
        assert {problem.what for problem in verdict.trouble.problems} == set(errors)
        self.named = {str(state), *errors}
        self.ever_named |= self.named
        self.told_s = self.observed_s

    def news(self) -> set[str]:
        """What lasts and was not in the last message."""
        return {kind for kind, there_s in self.there_s.items() if there_s >= LASTING_S} - self.named

    def assert_update_is_due(self, state: State | None) -> None:
        """There is news, and it keeps its distance; becoming failed needs none."""
        assert self.is_open
        assert state in BAD
        if self.bad_looks[-2:] == [State.FAILED] * 2 and "failed" not in self.ever_named:
            return
        assert self.news()
        is_new = bool(self.news() - self.ever_named - {"failed", "degraded"})
        assert self.observed_s - self.told_s >= (FIRST_GAP_S if is_new else UPDATE_S)

    def is_bad_enough(self) -> bool:
        """Whether rule 2 is met."""
        return self.bad_looks[-2:] == [State.FAILED] * 2 or self.bad_s >= DEGRADED_S

    def assert_alert_is_due(self, state: State | None) -> None:
        """An alert is the first of its trouble, has cause, and keeps the quiet time."""
        assert not self.is_open
        assert state in BAD
        assert self.is_bad_enough()
        assert self.observed_s - self.ended_s >= QUIET_S
        self.is_open, self.ever_named = True, set()

    def assert_nothing_was_due(self) -> None:
        """Silence has a cause, too: nobody is left untold, in trouble or when it is over."""
        if self.is_open:
            assert self.well_s is None or self.well_s < WELL_S
            is_bad_now = self.well_kind in BAD
            assert not (is_bad_now and self.news() and self.observed_s - self.told_s >= UPDATE_S)
        elif self.bad_looks and self.well_kind in BAD:
            is_quiet = self.observed_s - self.ended_s < QUIET_S
            assert is_quiet or not self.is_bad_enough()

    @invariant()
    def memory_is_consistent(self) -> None:
        """What is remembered fits together."""
        assert (self.memory.told is not None) == self.is_open
        assert self.memory.told is None or self.memory.trouble is not None
        assert self.memory.trouble is None or self.memory.trouble.lasted_s >= 0


Alerting.TestCase.settings = settings(max_examples=count(60, 5000), stateful_step_count=40, deadline=None)
TestAlerting = Alerting.TestCase
