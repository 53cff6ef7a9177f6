"""When people are told about a component."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.unit.alerts.looking import EPOCH, Observed
from vawsum_agent.alerts.decide import QUIET_S, Look
from vawsum_agent.alerts.memory import CALM
from vawsum_agent.alerts.news import MOST_PROBLEMS, kind_of
from vawsum_agent.core.component import Problem

R, D, F, S = "running", "degraded", "failed", "starting"
WELL = [R] * 5
"""A minute of running, seen five times."""


@pytest.mark.parametrize(
    ("states", "said"),
    [
        ([R, R, R], []),
        ([S, S, S, S, S, S, S], []),
        ([F], []),
        ([F, F], [(2, "alert")]),
        ([F] * 50, [(2, "alert")]),
        ([F, R, F, R, F, R], []),
        ([F, S, F], [(3, "alert")]),
        ([F, S, S, S, S, F, S, F], [(6, "alert")]),
        ([D] * 4, []),
        ([D] * 5, [(5, "alert")]),
        ([D] * 50, [(5, "alert")]),
        ([D, D, D, R, D, D, D, R], []),
        ([D, F, D, F, D], [(5, "alert")]),
        ([F, F, *WELL], [(2, "alert"), (7, "recovery")]),
        ([F, F, *WELL, R, R, R], [(2, "alert"), (7, "recovery")]),
        ([F, F, R, R, R, R], [(2, "alert")]),
        ([F, F, R, R, R, R, F, R, R, R, R], [(2, "alert")]),
        ([F, F, R, R, R, R, S, R, R, R, R], [(2, "alert")]),
        ([F, F, S, F, S, F, S, S, S, F], [(2, "alert")]),
        ([D] * 5 + ["draining", "stopped", S, *WELL], [(5, "alert"), (13, "recovery")]),
        (["draining", "stopped", "stopped", "stopped", S, R], []),
        ([D, D, D, "draining", "stopped", S, S, S, S, S, S, R], []),
    ],
)
def test_who_is_told_when(states: list[str], said: list[tuple[int, str]]) -> None:
    """Failed twice in a row, or a minute of degraded, is told once; a minute of running after that, once. Restarts,
    starts, stops and reloads by themselves are not.
    """  # noqa: D205 - one sentence
    assert Observed().look_at(states).said() == said


def test_calm_is_remembered_as_nothing() -> None:
    """A component that is well leaves nothing to be written, however long it is."""
    assert Observed().look_at([S, R, R, F, R, R]).memory == CALM


def test_flapping_is_quiet_for_five_minutes() -> None:
    """After a recovery the same component is not told of for five minutes, and then at once if it is bad."""
    looks_quiet = int(QUIET_S // 15)
    seen = Observed().look_at([F, F, *WELL])
    seen.look_at([F] * (looks_quiet - 1))
    assert len(seen.verdicts) == 2
    seen.look(F)
    assert seen.said()[2:] == [(7 + looks_quiet, "alert")]


def test_a_relapse_that_passes_within_the_quiet_time_is_not_told() -> None:
    """Bad for four minutes after a recovery and then well: nobody is woken a second time."""
    seen = Observed().look_at([F, F, *WELL, *[F] * 16, *[R] * 60])
    assert [kind for _, kind in seen.said()] == ["alert", "recovery"]


def test_another_reason_is_told_once_it_lasts() -> None:
    """A reason that nobody was told of comes when it lasts a minute and the last message is five minutes old."""
    seen = Observed()
    for number in range(600):
        seen.look(D, "no credentials" if number < 10 else "no such group")
    assert seen.said() == [(5, "alert"), (25, "update")]
    for _ in range(300):
        seen.look(D, "disk full")
    assert seen.said()[2:] == [(605, "update")]


def test_a_second_problem_is_told_beside_the_first() -> None:
    """One source is told, another fails an hour later: told a minute after that, both named, once; that it is over
    again, comes back and goes is no news.
    """  # noqa: D205 - one sentence
    seen = Observed()
    for _ in range(240):
        seen.look(D, "apache is down")
    for _ in range(240):
        seen.look(D, "apache is down", "mysql is down")
    assert seen.said() == [(5, "alert"), (245, "update")]
    update = seen.verdicts[-1][1]
    assert [problem.what for problem in update.trouble.problems] == ["mysql is down", "apache is down"]
    assert update.news == {kind_of(Problem("mysql is down"))}
    for number in range(2000):
        seen.look(D, "apache is down", *(["mysql is down"] if number // 20 % 2 else []))
    assert len(seen.verdicts) == 2


def test_problems_that_come_one_by_one_are_told_less_and_less_often() -> None:
    """A new one every minute for a day: four messages in the first hour, then two in an hour; none is told twice."""
    seen = Observed()
    for number in range(24 * 240):
        seen.look(
            D, *(f"{chr(97 + part % 26) * (part // 26 + 1)} is down" for part in range(min(180, number // 4 + 1)))
        )
    times = [look * 15 for look, _ in seen.verdicts]
    assert sum(at < 3600 for at in times) == 4
    assert all(later - earlier >= 1800 for earlier, later in pairwise(times[3:]))
    assert seen.verdicts[-1][0] < 180 * 4 + 240


def test_a_message_holds_some_and_counts_the_rest() -> None:
    """Of two hundred files that can't be read a message has a few, and how many more there are."""
    seen = Observed()
    for _ in range(5):
        seen.look(D, *(f"/var/log/{'x' * number} can't be read" for number in range(200)))
    (_, alert) = seen.verdicts[0]
    assert (len(alert.trouble.problems), alert.trouble.more) == (MOST_PROBLEMS, 200 - MOST_PROBLEMS)
    for _ in range(400):
        seen.look(D, *(f"/var/log/{'x' * number} can't be read" for number in range(200)))
    assert len(seen.verdicts) == 1


def test_failing_after_degraded_is_told_soon() -> None:
    """That what was degraded has now failed is no news of half an hour later; back and forth after that is."""
    seen = Observed().look_at([D] * 5 + [F, F] + [D, D, F, F] * 27)
    assert seen.said() == [(5, "alert"), (7, "update")]


def test_reasons_in_turn_are_not_told() -> None:
    """Two texts that alternate from look to look are one trouble."""
    seen = Observed()
    for number in range(1000):
        seen.look(D, ("no credentials", "no such group")[number % 2])
    assert seen.said() == [(5, "alert")]


def test_a_reason_that_flaps_is_told_once_more_at_most() -> None:
    """Two reasons that take turns of two minutes: each is new once, then it is the old story."""
    seen = Observed()
    for number in range(100):
        seen.look(D, ("no credentials", "no such group")[number // 8 % 2])
    assert seen.said() == [(5, "alert"), (29, "update")]


def test_figures_do_not_make_another_trouble() -> None:
    """A text whose counters, ids and times move says the same."""
    first = Problem("PutLogEvents: 3 requests failed since 10:15:03 (request 0f8a1c2e-77aa)")
    second = Problem("PutLogEvents: 1,204 requests failed since 11:00:59 (request deadbeef-0001)", "another hint")
    assert kind_of(first) == kind_of(second)
    assert kind_of(first) != kind_of(Problem("GetLogEvents: 3 requests failed"))


def test_what_has_failed_and_runs_again_in_part_is_told_later() -> None:
    """Failed and told, now only degraded by the same: that waits for half an hour."""
    seen = Observed().look_at([F, F] + [D] * 200)
    assert seen.said() == [(2, "alert"), (122, "update")]


@pytest.mark.parametrize("jump_s", [7200.0, -7200.0, 1e9, -1e9])
@pytest.mark.parametrize(
    ("states", "said"),
    [
        ([D] * 4, []),
        ([D] * 5, [(5, "alert")]),
        ([F, F, R, R, R, R], [(2, "alert")]),
        ([F, F, *WELL], [(2, "alert"), (7, "recovery")]),
    ],
)
def test_a_jump_of_the_wall_clock_changes_nothing(
    states: list[str], said: list[tuple[int, str]], jump_s: float
) -> None:
    """Hours ahead or back at any look create no message and suppress none."""
    for jump_at in range(len(states)):
        seen = Observed()
        for number, state in enumerate(states):
            seen.at += jump_s if number == jump_at else 0.0
            seen.look(state)
        assert seen.said() == said


def test_a_long_pause_counts_for_little() -> None:
    """A host that slept for hours between two looks was not observed degraded all that time."""
    seen = Observed()
    seen.look(D)
    assert seen.look(D, elapsed_s=14_400) is None
    assert Look(EPOCH, -5.0).step_s == 0.0


def test_a_restart_remembers_what_was_told() -> None:
    """Degraded and told, then a crash: the next process does not tell it again, and tells the recovery."""
    seen = Observed().look_at([D] * 6)
    seen.is_new_process = True
    seen.look_at([S, R, R, D, D, D, D, D, D, D])
    assert seen.said() == [(5, "alert")]
    seen.is_new_process = True
    seen.look_at(WELL)
    assert [kind for _, kind in seen.said()] == ["alert", "recovery"]


def test_a_trouble_lasts_through_the_time_nobody_looked() -> None:
    """How long it lasted holds the hour in which the daemon was down, and not the minute of being well at its end."""
    seen = Observed().look_at([F, F])
    seen.is_new_process = True
    seen.look(F, elapsed_s=3600.0)
    recovery = seen.look_at(WELL).verdicts[-1][1]
    assert recovery.trouble.lasted_s == 15 + 3600 + 15
    assert recovery.ended_at == EPOCH + 15 + 15 + 3600 + 15
    assert recovery.trouble.began_at == EPOCH + 15


def test_a_component_no_longer_configured_is_closed() -> None:
    """Told and then taken out of the configuration: one last message. Not told: none, and nothing is remembered."""
    seen = Observed().look_at([F, F, None, None, None, None])
    assert seen.said() == [(2, "alert")]
    seen.look(None)
    assert seen.said()[1:] == [(7, "removal")]
    assert seen.look_at([None] * 20).memory == CALM
    assert Observed().look_at([F, None]).memory == CALM


def test_a_component_that_comes_back_is_not_closed() -> None:
    """Gone for less than a minute, as in a reload, it is the same trouble."""
    seen = Observed().look_at([F, F, None, None, None, F, None, None, None, F])
    assert seen.said() == [(2, "alert")]
