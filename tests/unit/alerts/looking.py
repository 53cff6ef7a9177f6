"""Looks at components, clocks and an SNS for tests of alerts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.alerts.decide import Look, Verdict, decide
from vawsum_agent.alerts.memory import CALM, Memory
from vawsum_agent.core.component import ComponentStatus, Problem, State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from vawsum_agent.core.errors import AwsError

EPOCH = 1_767_225_600.0
"""2026-01-01T00:00:00Z."""

TOPIC = "arn:aws:sns:ap-south-1:123456789012:vawsum-ops"


def status(
    state: State | str, error: str | None = None, *more: str, name: str = "logs", hint: str | None = None
) -> ComponentStatus:
    """How a component is; with more errors than one it lists them all."""
    problems = tuple(Problem(text) for text in (error, *more) if text) if more else ()
    return ComponentStatus(name, State(state), EPOCH, last_error=error, hint=hint, problems=problems)


class HandClock:
    """Stands still until it is moved; wall and monotonic time move by themselves."""

    def __init__(self) -> None:
        self.wall = EPOCH
        self.mono = 1000.0

    def now(self) -> float:
        """Wall time."""
        return self.wall

    def monotonic(self) -> float:
        """Monotonic time."""
        return self.mono

    def pass_s(self, seconds: float) -> None:
        """Let time go by on both."""
        self.wall += seconds
        self.mono += seconds


class Observed:
    """A component that is looked at every 15 seconds, and what was said of it: (look, kind)."""

    def __init__(self) -> None:
        self.memory: Memory = CALM
        self.looks = 0
        self.at = EPOCH
        self.is_new_process = True
        self.verdicts: list[tuple[int, Verdict]] = []

    def look(
        self, state: State | str | None, error: str | None = "e", *more: str, elapsed_s: float = 15.0
    ) -> Verdict | None:
        """Take one look; None is a component that is not configured any more."""
        self.looks += 1
        self.at += elapsed_s
        look = Look(self.at, None if self.is_new_process else elapsed_s)
        self.is_new_process = False
        now = None if state is None else status(state, None if state == "running" else error, *more)
        self.memory, verdict = decide(self.memory, now, look)
        if verdict is not None:
            self.verdicts.append((self.looks, verdict))
        return verdict

    def look_at(self, states: Iterable[State | str | None]) -> Observed:
        """Take a look for each state."""
        for state in states:
            self.look(state)
        return self

    def said(self) -> list[tuple[int, str]]:
        """What was said, with the number of the look that led to it."""
        return [(look, verdict.kind.value) for look, verdict in self.verdicts]


class Inbox:
    """An SNS that takes messages, or fails as it is told to."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, str]] = []
        self.keys: list[str] = []
        self.calls = 0
        self.fails_with: Callable[[str], AwsError | None] = lambda _: None
        self.loses_answers = False

    def publish(self, topic_arn: str, subject: str, message: str, *, key: str = "") -> str:
        """See `Publisher.publish`."""
        assert topic_arn == TOPIC
        self.calls += 1
        error = self.fails_with(subject)
        if error is None or self.loses_answers:
            self.messages.append((subject, message))
            self.keys.append(key)
        if error is not None:
            raise error
        return f"id-{len(self.messages)}"

    def subjects(self) -> list[str]:
        """What arrived."""
        return [subject for subject, _ in self.messages]
