"""What people read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.alerts.looking import EPOCH, status
from vawsum_agent.alerts.decide import Kind, Verdict
from vawsum_agent.alerts.memory import Trouble
from vawsum_agent.alerts.message import LONGEST_BODY_BYTES, Writer, body_text, late_note, subject_line
from vawsum_agent.alerts.news import kind_of
from vawsum_agent.alerts.pace import Letter
from vawsum_agent.core.component import ComponentStatus, Problem, State
from vawsum_agent.core.identity import Identity

IDENTITY = Identity("i-0abc", "ip-10-0-0-7", "production", "web")
PROBLEM = Problem("no such group\nat all", "create it")
TROUBLE = Trouble(EPOCH, State.FAILED, (PROBLEM,), bad_s=195.0, lasted_s=195.0)


def test_an_alert_says_what_where_since_when_and_what_to_do() -> None:
    """The whole of a message, as it arrives."""
    now = ComponentStatus("logs", State.FAILED, EPOCH, EPOCH - 60, backlog_count=1200, backlog_bytes=3 << 20)
    letter = Writer(IDENTITY, "web-asg").about("logs", Verdict(Kind.ALERT, TROUBLE), now, EPOCH + 195)
    assert letter.subject == "[FAILED] logs on i-0abc (production web)"
    assert letter.body == (
        "logs on i-0abc has failed.\n"
        "\n"
        "What:         no such group at all\n"
        "What to do:   create it\n"
        "Since:        2026-01-01T00:00:00.000Z (for 3m 15s)\n"
        "Where:        instance i-0abc, host ip-10-0-0-7, environment production, role web, group web-asg\n"
        "Waiting:      1,200 to deliver, 3.0 MiB\n"
        "Last success: 2025-12-31T23:59:00.000Z\n"
        "Written:      2026-01-01T00:03:15.000Z\n"
        "\n"
        "On the host, `vawsum-agent status` shows how it is now."
    )


def test_a_recovery_says_how_long_it_lasted() -> None:
    """From when, until when, for how long, and what it was: nothing in it reads as if it still were."""
    verdict = Verdict(Kind.RECOVERY, TROUBLE, ended_at=EPOCH + 195)
    letter = Writer(IDENTITY).about("logs", verdict, status("running"), EPOCH + 255)
    assert letter.subject == "[RECOVERED] logs on i-0abc (production web)"
    for text in ("well again", "no such group at all", "(for 3m 15s)", "Until:", "2026-01-01T00:03:15.000Z"):
        assert text in letter.body
    assert "Was:          no such group at all\n" in letter.body
    assert "What:" not in letter.body
    assert "group web-asg" not in letter.body


def test_all_problems_are_told() -> None:
    """Each with what to do about it, what is new marked, and how many more there are; a summary counts them."""
    other = Problem("apache is down")
    trouble = Trouble(EPOCH, State.DEGRADED, (other, PROBLEM), more=3, lasted_s=195.0)
    verdict = Verdict(Kind.UPDATE, trouble, news=frozenset({kind_of(other)}))
    letter = Writer(IDENTITY).about("metrics", verdict, None, EPOCH + 195)
    assert letter.subject == "[NOW DEGRADED] metrics on i-0abc (production web)"
    assert letter.body.startswith(
        "metrics on i-0abc is still not well, and there is more now.\n"
        "\n"
        "What is wrong:\n"
        "1. new: apache is down\n"
        "   What to do: run `vawsum-agent doctor` on the host, and see `journalctl -u vawsum-agent`\n"
        "2. no such group at all\n"
        "   What to do: create it\n"
        "and 3 more\n"
        "\n"
        "Since:        2026-01-01T00:00:00.000Z (for 3m 15s)\n"
    )
    assert letter.gist == "apache is down (and 4 more)"


def test_a_recovery_of_several_problems_lists_what_they_were() -> None:
    """Without what to do about them: that is nothing."""
    trouble = Trouble(EPOCH, State.DEGRADED, (PROBLEM, Problem("apache is down", "start it")), lasted_s=195.0)
    letter = Writer(IDENTITY).about("metrics", Verdict(Kind.RECOVERY, trouble, ended_at=EPOCH), None, EPOCH)
    assert "\nWhat was wrong:\n1. no such group at all\n2. apache is down\n\nWhat to do:   nothing\n" in letter.body


def test_an_update_says_what_is_news() -> None:
    """Another reason, and another state of the same."""
    kind = frozenset({kind_of(PROBLEM)})
    said = [
        Writer(IDENTITY).about("logs", Verdict(Kind.UPDATE, trouble, news=news), None, EPOCH).body.split("\n")[0]
        for trouble, news in (
            (TROUBLE, kind),
            (TROUBLE, frozenset({"failed"})),
            (Trouble(EPOCH, State.DEGRADED, (PROBLEM,)), frozenset({"degraded"})),
        )
    ]
    assert [line.removeprefix("logs on i-0abc is still not well, and ") for line in said] == [
        "the reason is another one now.",
        "has failed now.",
        "can't do all of its work.",
    ]


@pytest.mark.parametrize(
    ("kind", "state", "label"),
    [
        (Kind.ALERT, State.DEGRADED, "[DEGRADED] "),
        (Kind.UPDATE, State.DEGRADED, "[NOW DEGRADED] "),
        (Kind.UPDATE, State.FAILED, "[NOW FAILED] "),
        (Kind.REMOVAL, State.FAILED, "[REMOVED] "),
    ],
)
def test_the_subject_says_the_kind(kind: Kind, state: State, label: str) -> None:
    """In a list of mails the first word tells."""
    verdict = Verdict(kind, Trouble(EPOCH, state))
    letter = Writer(IDENTITY).about("logs", verdict, None, EPOCH)
    assert letter.subject.startswith(label)
    assert "no reason is known" in letter.body


def test_without_a_hint_there_is_something_to_do() -> None:
    """Nobody is left without a next step."""
    verdict = Verdict(Kind.ALERT, Trouble(EPOCH, State.FAILED, (Problem("x"),)))
    assert "vawsum-agent doctor" in Writer(IDENTITY).about("logs", verdict, None, EPOCH).body


def test_names_from_the_configuration_cannot_spoil_the_subject() -> None:
    """Letters beyond ASCII, line ends and any length leave a subject that SNS takes."""
    host = Identity("i-0abc", "h", "prüfung\n日本", "web" * 60)
    subject = Writer(host).test(EPOCH).subject
    assert subject.startswith("[TEST] vawsum-agent on i-0abc (pr?fung ?? webweb")
    assert subject.endswith("...")
    assert len(subject) == 99


def test_a_summary_lists_what_it_stands_for() -> None:
    """Each with its time, subject and reason, and how many are only counted."""
    held = [Letter(EPOCH + number, f"[FAILED] c{number}", "b", f"reason {number}") for number in range(3)]
    letter = Writer(IDENTITY).together(held, 7, EPOCH + 60)
    assert letter.subject == "[10 NOTIFICATIONS] from i-0abc (production web)"
    assert "- 2026-01-01T00:00:01.000Z [FAILED] c1: reason 1\n" in letter.body
    assert "- and 7 before these\n" in letter.body


def test_the_note_of_what_was_left_out() -> None:
    """How many, and from when to when."""
    letter = Writer(IDENTITY).left_out(12, EPOCH, EPOCH + 3600)
    assert letter.subject == "[12 LEFT OUT] from i-0abc (production web)"
    assert "2026-01-01T01:00:00.000Z" in letter.body


def test_a_late_message_says_so() -> None:
    """Sent hours later it names both times; sent in time it says nothing; a clock set back is no delay."""
    assert late_note(EPOCH, EPOCH + 20) == ""
    assert late_note(EPOCH, EPOCH - 7200) == ""
    note = late_note(EPOCH, EPOCH + 7200)
    assert "2026-01-01T00:00:00.000Z" in note
    assert "2026-01-01T02:00:00.000Z" in note


@given(st.text(), st.text(st.characters(), max_size=200))
def test_any_text_becomes_one_that_sns_takes(subject: str, body: str) -> None:
    """Subjects are 1 to 99 printable ASCII characters; bodies are not empty, valid UTF-8, within bounds."""
    line = subject_line(subject)
    assert 0 < len(line) <= 99
    assert line.isascii()
    assert line.isprintable()
    text = body_text(body * 2000)
    assert text.strip()
    assert len(text.encode()) <= LONGEST_BODY_BYTES + 20
    assert "\x00" not in text


def test_surrogates_of_file_names_are_replaced() -> None:
    """A path that is no UTF-8, as Python carries it, does not stop a message."""
    assert body_text("can't read /var/log/\udcff\x00.log") == "can't read /var/log/??.log"
