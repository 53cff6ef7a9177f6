"""Sending: order, backoff, and what may come twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.alerts.host import Host
from vawsum_agent.alerts.send import is_hopeless, remedy
from vawsum_agent.core.errors import AccessDenied, AwsError, NotFound, Rejected, Throttled, Unavailable
from vawsum_agent.state.notifications import MOST_WAITING, Draft

if TYPE_CHECKING:
    from pathlib import Path


def waiting(host: Host, count: int) -> None:
    """Put so many messages into the outbox."""
    host.rows.record({}, [Draft(host.clock.now(), f"s{number}", "b") for number in range(count)])


def test_oldest_first(tmp_path: Path) -> None:
    """All that waits goes at once, in its order; each of its own key."""
    host = Host(tmp_path)
    waiting(host, 5)
    host.send()
    assert host.sns.subjects() == ["s0", "s1", "s2", "s3", "s4"]
    assert len(set(host.sns.keys)) == 5


def test_a_lost_answer_is_sent_again_as_the_same(tmp_path: Path) -> None:
    """Taken, but the answer never came: at least once, and with the key by which a FIFO topic drops the second."""
    host = Host(tmp_path)
    waiting(host, 1)
    host.sns.loses_answers = True
    host.sns.fails_with = lambda _: Unavailable("timed out") if host.sns.calls == 1 else None
    host.send()
    assert host.rows.pending()[0].tries == 1
    host.clock.pass_s(2.0)
    host.send()
    assert host.sns.subjects() == ["s0", "s0"]
    assert host.sns.keys[0] == host.sns.keys[1]
    assert host.rows.sent_count() == 1


def test_a_crash_between_sending_and_booking_repeats_one(tmp_path: Path) -> None:
    """Killed right after SNS took one of three: that one comes twice, none is missing."""
    host = Host(tmp_path)
    waiting(host, 3)
    first = host.outbox.next()
    assert first is not None
    host.outbox.begin(first)
    host.sender._publish(first)
    host.begin()
    assert host.rows.pending()[0].tries == 1
    host.send()
    assert host.sns.subjects() == ["s0", "s0", "s1", "s2"]


@pytest.mark.parametrize(
    "error", [Unavailable("away"), Throttled("slow"), AccessDenied("no"), NotFound("gone"), Rejected("bad")]
)
def test_nothing_is_given_up(tmp_path: Path, error: AwsError) -> None:
    """Whatever SNS says, what waits is kept and tried again, less and less often, up to every two minutes."""
    host = Host(tmp_path)
    waiting(host, 3)
    host.sns.fails_with = lambda _: error
    for _ in range(3600):
        host.clock.pass_s(1.0)
        host.send()
    assert 30 <= host.sns.calls <= 80
    assert host.outbox.waiting == 3
    assert host.sender.error is error
    host.sns.fails_with = lambda _: None
    host.clock.pass_s(120.0)
    host.send()
    assert sorted(host.sns.subjects()) == ["s0", "s1", "s2"]
    assert host.sender.failing_since is None


def test_one_refused_message_is_not_in_the_way(tmp_path: Path) -> None:
    """A message that SNS will not have lets the others by and stays, to be seen and tried."""
    host = Host(tmp_path)
    waiting(host, 4)
    host.sns.fails_with = lambda subject: Rejected("invalid") if subject == "s1" else None
    for _ in range(30):
        host.clock.pass_s(1.0)
        host.send()
    assert host.sns.subjects() == ["s0", "s2", "s3"]
    assert [row.subject for row in host.rows.pending(9)] == ["s1"]


def test_an_overfull_outbox_says_how_much_is_missing(tmp_path: Path) -> None:
    """More than is kept: the first message that comes says how many were left out."""
    host = Host(tmp_path)
    waiting(host, MOST_WAITING + 100)
    host.send()
    assert host.sns.subjects()[0] == "[101 LEFT OUT] from i-0abc (production web)"
    assert host.sns.subjects()[1:] == [f"s{number}" for number in range(101, MOST_WAITING + 100)]


def test_any_row_is_one_that_sns_takes(tmp_path: Path) -> None:
    """Whatever another process left in the outbox goes out as a valid message."""
    host = Host(tmp_path)
    host.rows.record({}, [Draft(host.clock.now(), "bäckup\nfailed" * 20, "")])
    host.send()
    subject, body = host.sns.messages[0]
    assert len(subject) == 99
    assert subject.startswith("b?ckup failed")
    assert body


def test_remedies() -> None:
    """What somebody has to mend is told apart from what passes by itself, and each says what to do."""
    assert [is_hopeless(error) for error in (NotFound("x"), Rejected("x"), AccessDenied("x"))] == [True] * 3
    assert [is_hopeless(error) for error in (None, Throttled("x"), Unavailable("x"))] == [False] * 3
    assert "create the topic" in remedy(NotFound("x"))
    assert "kms:GenerateDataKey" in remedy(AccessDenied("x", code="KMSAccessDenied"))
    assert remedy(AccessDenied("x", hint="allow it")) == "allow it"
