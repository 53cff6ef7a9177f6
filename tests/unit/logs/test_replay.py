"""`logs replay`: what CloudWatch takes is removed, what it does not take stays, whatever happens in between."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from tests.unit.logs.dead_letters import NOW_MS, FixedClock, Service, kept, letter
from vawsum_agent.core.errors import AccessDenied, Throttled, Unavailable
from vawsum_agent.logs.deadletter import DeadLetters
from vawsum_agent.logs.replay import Choice, Replay, Report, plan
from vawsum_agent.logs.ship.put import GroupSettings, Putter

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from vawsum_agent.aws.logs import RejectedEvents

DAY_MS = 86_400_000


@pytest.fixture
def letters(tmp_path: Path) -> DeadLetters:
    """An empty folder of dead letters."""
    return DeadLetters(tmp_path / "dead", 1 << 20)


def run(
    letters: DeadLetters,
    service: Service,
    choice: Choice | None = None,
    progress: Callable[[Report], None] | None = None,
) -> Report:
    """Replay once, without waiting."""
    putter = Putter(service, GroupSettings(30, "key"))
    dice, naps = random.Random(1), list[float]()
    return Replay(letters, putter, choice or Choice(), FixedClock(), dice, naps.append).run(
        progress or (lambda _: None)
    )


class Death(BaseException):
    """The process ends here."""


def test_everything_acceptable_goes_and_is_removed(letters: DeadLetters) -> None:
    """Events arrive in the order of time, in their own groups and streams, which are created; the folder is empty."""
    at = [NOW_MS - 5, NOW_MS - 9, NOW_MS - 7]
    letters.append([letter(number, at_ms=at[number]) for number in range(3)] + [letter(3, stream="t", group="/h")])
    service = Service()
    report = run(letters, service)
    assert service.messages() == ["message 1", "message 2", "message 0", "message 3"]
    assert [row[:3] for row in service.stored] == [
        ("/g", "s", at[1]),
        ("/g", "s", at[2]),
        ("/g", "s", at[0]),
        ("/h", "t", NOW_MS),
    ]
    assert kept(letters) == []
    assert (report.total("found"), report.total("accepted")) == (4, 4)


def test_many_events_travel_in_requests_within_the_limits(tmp_path: Path) -> None:
    """No request holds more than 10,000 events or spans more than 24 hours."""
    big = DeadLetters(tmp_path / "dead", 1 << 26)
    big.append([letter(number, at_ms=NOW_MS - number) for number in range(10_001)])
    big.append([letter(20_000, at_ms=NOW_MS - 3 * DAY_MS)])
    service = Service()
    run(big, service)
    assert sorted(service.sizes) == [1, 1, 10_000]
    assert kept(big) == []


def test_a_refused_event_stays_alone(letters: DeadLetters) -> None:
    """Poison keeps nothing else back; it stays, and the report says so."""
    letters.append([letter(number) for number in range(9)])
    service = Service()
    service.poison = "message 4"
    report = run(letters, service)
    assert kept(letters) == ["message 4"]
    assert sorted(service.messages()) == [f"message {number}" for number in range(9) if number != 4]
    assert (report.total("accepted"), report.total("refused")) == (8, 1)


def test_untimely_events_are_sent_only_with_a_new_time(letters: DeadLetters) -> None:
    """Too old and too new events stay where they are, unless they are to be stamped now; the message stays verbatim."""
    letters.append(
        [letter(1, reason="too_old", at_ms=NOW_MS - 20 * DAY_MS), letter(2, reason="too_new", at_ms=NOW_MS + DAY_MS)]
    )
    service = Service()
    report = run(letters, service)
    assert (report.total("untimely"), service.messages()) == (2, [])
    run(letters, service, Choice(is_restamped=True))
    assert service.stored == [("/g", "s", NOW_MS, "message 1"), ("/g", "s", NOW_MS, "message 2")]
    assert kept(letters) == []


def test_what_was_too_new_is_sent_once_its_time_has_come(letters: DeadLetters) -> None:
    """An event from tomorrow is an event of today one day later, and goes with its own time."""
    letters.append([letter(1, reason="too_new", at_ms=NOW_MS - 1000)])
    service = Service()
    run(letters, service)
    assert service.stored == [("/g", "s", NOW_MS - 1000, "message 1")]


def test_restamping_leaves_other_times_alone(letters: DeadLetters) -> None:
    """Only events that were refused for their time get another one."""
    letters.append([letter(1, reason="refused", at_ms=NOW_MS - 1000)])
    service = Service()
    run(letters, service, Choice(is_restamped=True))
    assert service.stored == [("/g", "s", NOW_MS - 1000, "message 1")]


def test_reasons_choose(letters: DeadLetters) -> None:
    """With --reason, letters of other reasons are neither sent nor counted nor touched."""
    letters.append([letter(1, reason="refused"), letter(2, reason="expired")])
    service = Service()
    report = run(letters, service, Choice(reasons=("expired",)))
    assert service.messages() == ["message 2"]
    assert kept(letters) == ["message 1"]
    assert report.total("found") == 1


def test_a_plan_tells_and_changes_nothing(letters: DeadLetters) -> None:
    """A dry run counts what a run would send, by group, stream and reason."""
    letters.append([letter(1), letter(2, reason="too_old", at_ms=0), letter(3, stream="t")])
    before = [segment.read_bytes() for segment in letters.segments()]
    report = plan(letters, Choice(), NOW_MS / 1000)
    assert {key: (row.found, row.untimely) for key, row in report.rows.items()} == {
        ("/g", "s", "refused"): (1, 0),
        ("/g", "s", "too_old"): (1, 1),
        ("/g", "t", "refused"): (1, 0),
    }
    assert [segment.read_bytes() for segment in letters.segments()] == before


def test_throttling_is_waited_out(letters: DeadLetters) -> None:
    """A request that was provably not carried out is sent again after a pause, and once only."""
    letters.append([letter(1), letter(2)])
    service = Service()
    service.failures = iter([Throttled("slow"), Unavailable("no way", maybe_done=False), None])
    report = run(letters, service)
    assert service.messages() == ["message 1", "message 2"]
    assert report.errors == []


def test_a_lost_answer_is_left_to_the_next_run(letters: DeadLetters) -> None:
    """What perhaps arrived is not sent twice by the same run: it stays, and counts as failed."""
    letters.append([letter(1), letter(2, stream="t")])
    service = Service()
    service.failures = iter([Unavailable("lost")])
    report = run(letters, service)
    assert service.messages() == ["message 2"]
    assert kept(letters) == ["message 1"]
    assert (report.total("failed"), len(report.errors)) == (1, 1)


def test_a_forbidden_group_holds_up_no_other(letters: DeadLetters) -> None:
    """One group's failure is told once; its letters stay, those of other groups arrive."""
    letters.append([letter(number, stream=str(number)) for number in range(3)] + [letter(3, group="/h")])
    service = Service()
    service.failures = iter([AccessDenied("no")])
    report = run(letters, service)
    assert service.messages() == ["message 3"]
    assert (report.total("failed"), len(report.errors)) == (3, 1)


def test_letters_added_meanwhile_stay_for_the_next_run(letters: DeadLetters) -> None:
    """The daemon goes on appending while letters are replayed; nothing of that is lost."""
    letters.append([letter(1)])

    def daemon(_: Report) -> None:
        letters.append([letter(2)])

    run(letters, Service(), progress=daemon)
    assert kept(letters) == ["message 2"]


def test_an_event_kept_twice_arrives_once(letters: DeadLetters) -> None:
    """A crash of the daemon may have written an event at the end of one file and at the start of the next."""
    letters.append([letter(1)])
    letters.close_newest()
    letters.append([letter(1)])
    service = Service()
    run(letters, service)
    assert service.messages() == ["message 1"]
    assert kept(letters) == []


@pytest.mark.parametrize("accepted", range(4))
def test_death_repeats_at_most_what_was_on_its_way(letters: DeadLetters, accepted: int) -> None:
    """Killed after any request and before it was noted: nothing is lost, and only that request may arrive twice."""
    letters.append([letter(number, stream=str(number // 2)) for number in range(8)])

    class Mortal(Service):
        """Dies right after having accepted so many requests."""

        is_mortal = True

        def put(self, group: str, stream: str, body: bytes) -> RejectedEvents:
            """See `Service.put`."""
            answer = super().put(group, stream, body)
            if self.is_mortal and len(self.sizes) == accepted + 1:
                raise Death
            return answer

    service = Mortal()
    with pytest.raises(Death):
        run(letters, service)
    sent_before = service.messages()
    service.is_mortal = False
    run(letters, service)
    messages = service.messages()
    assert set(messages) == {f"message {number}" for number in range(8)}
    assert sorted({message for message in messages if messages.count(message) > 1}) == sent_before[-2:]
    assert kept(letters) == []


def test_death_after_noting_repeats_nothing(letters: DeadLetters) -> None:
    """Killed between two requests: what was accepted is not sent again, though the file is not rewritten yet."""
    letters.append([letter(number, stream=str(number)) for number in range(4)])
    service = Service()

    def die(_: Report) -> None:
        raise Death

    for _ in range(4):
        with pytest.raises(Death):
            run(letters, service, progress=die)
    run(letters, service)
    assert sorted(service.messages()) == [f"message {number}" for number in range(4)]
    assert kept(letters) == []
