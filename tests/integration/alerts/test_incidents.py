"""Incidents over a real store and a local SNS: crashes, outages, lost answers, permissions."""

from __future__ import annotations

import json
import random
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.counts import count
from tests.integration.alerts.incidents import TOPIC, Host, labels

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sandbox import Sandbox

POLICY = Path(__file__).parents[3] / "packaging/iam/alerts.json"
INCIDENT = "rffffrrrrrrr"


@pytest.fixture
def host(tmp_path: Path, sandbox: Sandbox) -> Iterator[Host]:
    """A host whose role has the shipped policy and nothing else."""
    sandbox.enforce(json.loads(POLICY.read_text()))
    host = Host(tmp_path, sandbox)
    yield host
    host.kill()


def test_one_message_when_bad_one_when_well(host: Host, sandbox: Sandbox) -> None:
    """Allowed no more than packaging/iam/alerts.json: the topic gets both, as the service wants them."""
    answer = host.looks(INCIDENT)
    assert labels(sandbox) == ["FAILED", "RECOVERED"]
    assert (answer["state"], answer["sent"], answer["waiting"]) == ("running", 2, 0)
    assert sandbox.violations() == []
    alert = sandbox.notifications()[0]
    assert (alert.subject, alert.topic) == ("[FAILED] logs on i-test (production web)", TOPIC)
    assert "What:         why\n" in alert.message


@pytest.mark.timeout(1200)
def test_killed_at_any_moment(tmp_path: Path, sandbox: Sandbox, tell: Callable[[str], None]) -> None:
    """Kill -9 at a random moment of an incident, again and again: each alert and each recovery arrives, in turn; twice
    only the one that was under way, and none is missing.
    """  # noqa: D205 - one sentence
    dice = random.Random(11)
    rounds, twice = count(12, 200), 0
    for number in range(rounds):
        sandbox.reset()
        sandbox.fault("latency", operation="Publish", latency_s=0.02)
        (folder := tmp_path / str(number)).mkdir()
        host = Host(folder, sandbox)
        position, kills = 0, 0
        while position < len(INCIDENT):
            is_killed = kills < 2 and dice.random() < 0.25
            if not is_killed:
                host.look(INCIDENT[position])
                position += 1
                continue
            # Before, in, or after what the look leads to; the next process takes that look again.
            host.tell(**host.order(INCIDENT[position]))
            time.sleep(dice.uniform(0.0, 0.03))
            host.kill()
            kills += 1
            host.begin()
        host.looks("rrrrrr")
        host.kill()
        said = labels(sandbox)
        once = [label for place, label in enumerate(said) if place == 0 or said[place - 1] != label]
        assert once == ["FAILED", "RECOVERED"], said
        twice += len(said) - len(once)
        assert len(said) - len(once) <= kills
    tell(f"{rounds} incidents with up to two kills each: none missing, {twice} messages twice")


def test_away_for_hours(host: Host, sandbox: Sandbox) -> None:
    """SNS answers 503 for three hours: status is degraded, everything is kept, and comes afterwards in its order with
    the time it is about.
    """  # noqa: D205 - one sentence
    number = sandbox.fault("unavailable", operation="Publish")
    answer = host.looks("rff" + "r" * 8 + "f" * 720)
    assert (answer["state"], answer["waiting"]) == ("degraded", 3)
    assert "ServiceUnavailable" in answer["error"]
    sandbox.calm(number)
    answer = host.looks("f" * 12)
    assert labels(sandbox) == ["FAILED", "RECOVERED", "FAILED"]
    assert answer["state"] == "running"
    assert "This is old: it was written at" in sandbox.notifications()[0].message


@pytest.mark.parametrize("kind", ["failure_after", "reset_after"])
def test_a_lost_answer_is_sent_again(host: Host, sandbox: Sandbox, kind: str) -> None:
    """Taken, and the answer lost: at least once. It comes twice, and no other does."""
    sandbox.fault(kind, operation="Publish", count=1)
    host.looks(INCIDENT)
    assert labels(sandbox) == ["FAILED", "FAILED", "RECOVERED"]


def test_not_allowed(host: Host, sandbox: Sandbox) -> None:
    """No permission: degraded with its remedy, nothing lost, and sent once the policy is mended."""
    sandbox.deny("sns:Publish")
    answer = host.looks("rffff")
    assert (answer["state"], answer["waiting"]) == ("degraded", 1)
    assert "allow sns:Publish in" in answer["hint"]
    sandbox.deny()
    host.looks("f" * 12)
    assert labels(sandbox) == ["FAILED"]


def test_no_such_topic(tmp_path: Path, sandbox: Sandbox) -> None:
    """A topic that does not exist: degraded, kept, with what to correct; a drain is short and says what is left."""
    host = Host(tmp_path, sandbox, "arn:aws:sns:ap-south-1:123456789012:gone")
    answer = host.looks("rffff")
    assert (answer["state"], answer["waiting"]) == ("degraded", 1)
    assert "notify.sns_topic_arn" in answer["hint"]
    host.tell(drain_s=30)
    assert "1 notification not sent" in host.answer()["left"]
    host.kill()


def test_a_topic_elsewhere_is_called_there(tmp_path: Path, sandbox: Sandbox) -> None:
    """The topic's own region is called, whatever region the host is in."""
    topic = "arn:aws:sns:eu-west-1:123456789012:vawsum-ops"
    sandbox.settings(topics=[topic])
    host = Host(tmp_path, sandbox, topic)
    host.looks("rff")
    host.kill()
    assert [message.topic for message in sandbox.notifications()] == [topic]


def test_a_fifo_topic_gets_each_once(tmp_path: Path, sandbox: Sandbox) -> None:
    """Answers get lost, and a message is sent again: a FIFO topic takes it for the one it has, and keeps the order."""
    topic = f"{TOPIC}.fifo"
    sandbox.settings(topics=[topic])
    sandbox.enforce(json.loads(POLICY.read_text()))
    sandbox.fault("reset_after", operation="Publish", count=3)
    host = Host(tmp_path, sandbox, topic)
    host.looks(INCIDENT + "rrrr")
    host.kill()
    assert labels(sandbox) == ["FAILED", "RECOVERED"]
    assert sandbox.requests()["operations"]["Publish"] == {"reset_after": 3, "ok": 2}
    assert sandbox.violations() == []


def test_drained_before_a_stop(host: Host, sandbox: Sandbox) -> None:
    """Decided and not yet sent when the daemon is stopped: it goes out in the drain, not at the next start."""
    number = sandbox.fault("unavailable", operation="Publish")
    host.looks("rff")
    sandbox.calm(number)
    host.tell(drain_s=20)
    answer = host.answer()
    assert (answer["left"], answer["waiting"]) == ("", 0)
    assert labels(sandbox) == ["FAILED"]
