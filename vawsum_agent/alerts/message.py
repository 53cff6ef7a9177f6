"""How a notification reads: a subject for the list of mails, a body for somebody woken at three. Pure.

`subject_line` and `body_text` also make any text one that SNS takes, whoever wrote it: a message that is refused for
its form would be in the way of all others.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from vawsum_agent.alerts.decide import Kind, Verdict
from vawsum_agent.alerts.news import kind_of
from vawsum_agent.alerts.pace import Letter
from vawsum_agent.core.clock import rfc3339
from vawsum_agent.core.component import Problem, State
from vawsum_agent.core.units import format_bytes, format_duration

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from vawsum_agent.core.component import ComponentStatus
    from vawsum_agent.core.identity import Identity

LONGEST_SUBJECT = 99
"""API: Publish, "less than 100 characters long"."""

LONGEST_BODY_BYTES = 60_000
"""The service takes 256 KiB; nobody reads this much."""

LATE_S = 300.0
_LONGEST_ERROR = 2000
_LONGEST_GIST = 160
_CUT = "..."
_LOOK = "On the host, `vawsum-agent status` shows how it is now."
_NO_HINT = "run `vawsum-agent doctor` on the host, and see `journalctl -u vawsum-agent`"
_NOT_PRINTABLE = re.compile(r"[^ -~]")
_NOT_IN_XML = re.compile("[^\t\n -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What subscribers' protocols can't carry."""


def subject_line(text: str) -> str:
    """Make a text a subject: printable ASCII of one line, cut where it is too long, never empty."""
    line = _NOT_PRINTABLE.sub("?", " ".join(text.split())).strip() or "vawsum-agent"
    return line if len(line) <= LONGEST_SUBJECT else line[: LONGEST_SUBJECT - len(_CUT)] + _CUT


def body_text(text: str) -> str:
    """Make a text a message: characters that any subscriber can get, cut where it is too long, never empty."""
    clean = _NOT_IN_XML.sub("?", text.replace("\r\n", "\n")).strip() or "(an empty message)"
    whole = clean.encode()
    if len(whole) <= LONGEST_BODY_BYTES:
        return clean
    return f"{whole[:LONGEST_BODY_BYTES].decode(errors='ignore')}\n(cut here)"


class Writer:
    """Writes the messages of one host.

    Args:
        identity: who the host is.
        group: its Auto Scaling group; None where there is none, or it is not known yet.
    """

    def __init__(self, identity: Identity, group: str | None = None) -> None:
        self._identity = identity
        self._group = group

    def about(self, name: str, verdict: Verdict, status: ComponentStatus | None, at: float) -> Letter:
        """Tell a verdict about a component; ``status`` is how it is now."""
        problems = _described(verdict)
        rows = {
            **_told_in_rows(verdict, problems),
            "Since": f"{rfc3339(verdict.trouble.began_at)} ({_for(verdict.trouble.lasted_s)})",
            "Until": None if verdict.ended_at is None else rfc3339(verdict.ended_at),
            "Where": self._where(),
            "Waiting": None if status is None else _backlog(status),
            "Last success": None if status is None or not status.last_success_at else rfc3339(status.last_success_at),
            "Written": rfc3339(at),
        }
        body = _body(self._headline(name, verdict), rows, _told_in_lines(verdict, problems))
        return self._letter(at, _label(verdict), f"{name} on", body, _gist(verdict, problems))

    def together(self, letters: Sequence[Letter], left_out: int, at: float) -> Letter:
        """Tell in one what could not all be told one by one."""
        count = len(letters) + left_out
        lines = [f"- {rfc3339(letter.at)} {letter.subject}: {letter.gist}" for letter in letters]
        lines += [f"- and {left_out} before these"] if left_out else []
        body = _body(
            f"So much happened at once that {count} notifications come together in this one.",
            {"Where": self._where(), "Written": rfc3339(at)},
            lines,
        )
        return self._letter(at, f"{count} NOTIFICATIONS", "from", body, f"{count} notifications")

    def left_out(self, count: int, first_at: float, last_at: float) -> Letter:
        """Tell how many were folded while nothing could be sent."""
        body = _body(
            f"{count} older notifications were left out: more were waiting than are kept.",
            {"From": rfc3339(first_at), "To": rfc3339(last_at), "Where": self._where()},
        )
        return self._letter(first_at, f"{count} LEFT OUT", "from", body, f"{count} left out")

    def test(self, at: float) -> Letter:
        """Show that messages arrive."""
        body = _body(
            "This is a test. Somebody ran `vawsum-agent notify test`; when this arrives, notifications work.",
            {"Where": self._where(), "Written": rfc3339(at)},
        )
        return self._letter(at, "TEST", "vawsum-agent on", body, "a test")

    def _letter(self, at: float, label: str, who: str, body: str, gist: str) -> Letter:
        host = self._identity
        subject = f"[{label}] {who} {host.instance_id} ({host.environment} {host.role})"
        return Letter(at, subject_line(subject), body_text(body), gist)

    def _where(self) -> str:
        host = self._identity
        parts = {
            "instance": host.instance_id,
            "host": host.hostname,
            "environment": host.environment,
            "role": host.role,
            "group": self._group,
        }
        return ", ".join(f"{name} {value}" for name, value in parts.items() if value)

    def _headline(self, name: str, verdict: Verdict) -> str:
        where = self._identity.instance_id
        match verdict.kind:
            case Kind.RECOVERY:
                return f"{name} on {where} is well again."
            case Kind.REMOVAL:
                return f"{name} on {where} was not well, and is not configured any more: nobody watches it."
            case Kind.UPDATE:
                return f"{name} on {where} is still not well, and {_news(verdict)}."
            case Kind.ALERT if verdict.trouble.state is State.FAILED:
                return f"{name} on {where} has failed."
            case Kind.ALERT:
                return f"{name} on {where} runs, but can't do all of its work."


def late_note(created_at: float, now: float) -> str:
    """What is added to a message that could not be sent when it was written; empty when it could."""
    if now - created_at < LATE_S:
        return ""
    return (
        f"\n\nThis is old: it was written at {rfc3339(created_at)} and could not be sent before {rfc3339(now)}."
        " A newer message may follow."
    )


def _label(verdict: Verdict) -> str:
    match verdict.kind:
        case Kind.RECOVERY:
            return "RECOVERED"
        case Kind.REMOVAL:
            return "REMOVED"
        case Kind.UPDATE:
            return f"NOW {verdict.trouble.state.upper()}"
        case Kind.ALERT:
            return verdict.trouble.state.upper()


def _is_over(verdict: Verdict) -> bool:
    return verdict.kind in {Kind.RECOVERY, Kind.REMOVAL}


def _described(verdict: Verdict) -> list[Problem]:
    """Give the problems in texts of one line, never none."""
    found = verdict.trouble.problems or (Problem("no reason is known"),)
    return [
        Problem(_one_line(problem.what, _LONGEST_ERROR), _one_line(problem.hint or _NO_HINT, _LONGEST_ERROR))
        for problem in found
    ]


def _told_in_rows(verdict: Verdict, problems: list[Problem]) -> dict[str, str | None]:
    """Tell a single problem in the table, and of one that is over that it was so; several are told in lines."""
    single = problems[0] if len(problems) == 1 else None
    if verdict.kind is Kind.RECOVERY:
        to_do: str | None = "nothing"
    elif verdict.kind is Kind.REMOVAL:
        to_do = "if that is not what was meant, put its table back into the configuration"
    else:
        to_do = single.hint if single else None
    return {"Was" if _is_over(verdict) else "What": single.what if single else None, "What to do": to_do}


def _told_in_lines(verdict: Verdict, problems: list[Problem]) -> list[str]:
    if len(problems) == 1:
        return []
    lines = ["What was wrong:" if _is_over(verdict) else "What is wrong:"]
    for number, (problem, whole) in enumerate(zip(problems, verdict.trouble.problems, strict=True), 1):
        is_news = kind_of(whole) in verdict.news
        lines.append(f"{number}. {'new: ' if is_news else ''}{problem.what}")
        if not _is_over(verdict):
            lines.append(f"   What to do: {problem.hint}")
    return [*lines, *([f"and {verdict.trouble.more} more"] if verdict.trouble.more else [])]


def _news(verdict: Verdict) -> str:
    """Say what an UPDATE is about."""
    is_news = [kind_of(problem) in verdict.news for problem in verdict.trouble.problems]
    if any(is_news) and not all(is_news):
        return "there is more now"
    if any(is_news):
        return "the reason is another one now"
    return "has failed now" if verdict.trouble.state is State.FAILED else "can't do all of its work"


def _gist(verdict: Verdict, problems: list[Problem]) -> str:
    more = len(problems) - 1 + verdict.trouble.more
    return _one_line(problems[0].what, _LONGEST_GIST) + (f" (and {more} more)" if more else "")


def _backlog(status: ComponentStatus) -> str:
    if not status.backlog_count and not status.backlog_bytes:
        return "nothing"
    return f"{status.backlog_count:,} to deliver, {format_bytes(status.backlog_bytes)}"


def _for(seconds: float) -> str:
    return f"for {format_duration(max(1.0, seconds))}"


def _one_line(text: str, longest: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= longest else line[: longest - len(_CUT)] + _CUT


def _body(headline: str, rows: dict[str, str | None], lines: Iterable[str] = ()) -> str:
    width = max(map(len, rows)) + 2
    table = [f"{name + ':':<{width}}{text}" for name, text in rows.items() if text is not None]
    return "\n".join([headline, "", *lines, *([""] if lines else []), *table, "", _LOOK])
