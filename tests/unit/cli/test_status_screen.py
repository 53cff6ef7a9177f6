"""A status fits on the screen there is: nothing is torn, and what is wrong stays in sight."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.cli.agents import component, status
from vawsum_agent.cli.status_screen import Size, screen

LONG_PATH = "/var/log/apache2/vhosts/app.vawsum.com/production/20261124T180000Z-abcdef0123456789/access.log"
DENIED = (
    "AccessDenied on /vawsum/production/apache-access: User arn:aws:sts::123456789012:assumed-role/vawsum-web-"
    "production/i-0a1b2c3d4e5f60718 is not authorized to perform logs:PutLogEvents"
)
NOW = 1767226320.0
"""Twelve minutes after the times in the documents."""

ON_TERMINALS = [60, 80, 100, 120, 200]


def file(path: str, **figures: object) -> dict[str, object]:
    """A row of the byte ledger."""
    row = {"path": path, "source": "apache-access", "read_bytes": 3 << 30, "accepted_bytes": 1 << 20}
    nothing = dict.fromkeys(("pending_bytes", "unread_bytes", "oldest_pending_s"), 0)
    return row | nothing | {"dropped_by_reason": {}} | figures


def troubled() -> dict[str, Any]:
    """A bad night."""
    problems = [
        {"what": DENIED, "hint": "allow logs:PutLogEvents in the policy of the instance role"},
        {"what": f"{LONG_PATH} can't be read", "hint": "let the daemon's user read it"},
        {"what": "/var/log/php.log can't be read", "hint": "let the daemon's user read it"},
    ]
    waiting = file(LONG_PATH, pending_bytes=5000, oldest_pending_s=900, dropped_by_reason={"too_old": 1024})
    details = {"files": [file("/var/log/apache2/access.log"), waiting], "problems": problems, "restarts": 2}
    logs = component("degraded", last_error=DENIED, hint=problems[0]["hint"], backlog_bytes=39 << 20, details=details)
    gone = {"sources": {"host": "ok"}, "data_per_minute": None}
    metrics = component("failed", name="metrics", last_error="no region", hint="set one", details=gone)
    alerts = component(name="alerts", backlog_count=12, details={"topic": "arn:aws:sns:x:1:vawsum-ops", "sent": 3})
    return status("failed", alerts, logs, metrics) | {"instance_id": "i-0a1b2c3d4e5f60718", "environment": "production"}


def shown(width: int | None, height: int | None = None, *, with_files: bool = False) -> list[str]:
    """The lines of a bad night's status."""
    size = Size(width, height)
    return [line.plain for line in screen(troubled(), size, with_files=with_files, now=NOW, rates={"logs": 1234567.0})]


@pytest.mark.parametrize("width", ON_TERMINALS)
def test_every_width_shows_all_of_it(width: int) -> None:
    """No line is too wide or ends in blanks; states, times, backlogs, rates and all that is wrong stand there whole."""
    lines = shown(width, with_files=True)
    assert all(len(line) <= width and line == line.rstrip() for line in lines)
    rows = [line.split("  ") for line in lines if line.startswith(("alerts ", "logs ", "metrics "))]
    cells = [[cell.strip() for cell in row if cell] for row in rows]
    assert [row[:5] for row in cells] == [
        ["alerts", "running", "12m ago", "12 unsent", "—"],
        ["logs", "degraded", "12m ago", "39.0 MiB", "1.2 MiB/s"],
        ["metrics", "failed", "12m ago", "none", "—"],
    ]
    words = "".join("".join(lines).split())
    for text in (DENIED, LONG_PATH + " can't be read", "let the daemon's user read it", "i-0a1b2c3d4e5f60718"):
        assert "".join(text.split()) in words, text
    assert "4.9 KiB" in " ".join(lines)
    assert any(line.startswith("/var/log/apache2/access.log") for line in lines)


@pytest.mark.parametrize("width", ON_TERMINALS)
def test_what_is_wrong_hangs_below_its_mark(width: int) -> None:
    """What failed comes first; each problem and each remedy begins a line, and what follows is indented; none twice."""
    lines = shown(width)
    told = lines[next(number for number, line in enumerate(lines) if line.startswith("! ")) : lines.index("")]
    assert told[:2] == ["! metrics: no region", "  → set one"]
    assert sum(line.startswith("! ") for line in told) == 4
    assert sum(line.startswith("  → ") for line in told) == 3
    assert sum("let the daemon's user" in line for line in told) == 1
    assert all(line.startswith(("! ", "  ")) for line in told)


def test_in_a_pipe_no_line_is_broken() -> None:
    """Without a width each problem is one line, each file one row, and no line ends in blanks."""
    lines = shown(None, with_files=True)
    assert f"! logs: {DENIED}" in lines
    assert f"! logs: {LONG_PATH} can't be read" in lines
    assert all(line == line.rstrip() for line in lines)
    headings = [line.split() for line in lines if line.startswith(("COMPONENT", "FILE"))]
    assert headings == [
        ["COMPONENT", "STATE", "LAST", "SUCCESS", "BACKLOG", "RATE"],
        ["FILE", "SOURCE", "READ", "ACCEPTED", "PENDING", "UNREAD", "DROPPED", "OLDEST"],
    ]
    assert len([line for line in lines if line.startswith("/var/log/")]) == 2


@pytest.mark.parametrize("height", range(10, 40))
@pytest.mark.parametrize("with_files", [False, True])
def test_a_small_screen_keeps_what_matters(height: int, *, with_files: bool) -> None:
    """What is wrong and all components stay in sight; what has no room is counted, and no line is given away."""
    lines, full = shown(60, height, with_files=with_files), shown(60, with_files=with_files)
    assert len(lines) <= height
    assert "! metrics: no region" in lines
    assert [line.split()[0] for line in lines if line.startswith(("COMPONENT", "alerts ", "logs ", "metrics "))] == [
        *("COMPONENT", "alerts", "logs", "metrics")
    ]
    if len(full) <= height:
        assert lines == full
    else:
        assert any(line.endswith("…") or line.startswith("… ") for line in lines)


def test_what_is_left_out_is_counted() -> None:
    """Problems are shortened first, remedies go next, and then it says how many lines more there are."""
    assert shown(60, 12)[2:8] == [
        "! metrics: no region",
        "! logs: AccessDenied on /vawsum/production/apache-access: U…",
        f"! logs: {LONG_PATH[:51]}…",
        "! logs: /var/log/php.log can't be read",
        "… 3 more lines",
        "",
    ]
    with_files = shown(60, 14, with_files=True)
    assert with_files[-1] == "… 5 more lines"


def test_the_tiniest_screen() -> None:
    """Even one line is no error."""
    for height in range(1, 10):
        assert len(shown(60, height, with_files=True)) <= height


@pytest.mark.parametrize("width", [60, 200])
def test_files_that_wait_come_first(width: int) -> None:
    """In the ledger those files stand on top of which something waits."""
    paths = [
        line for line in shown(width, with_files=True) if line.startswith("/var/log/apache2") and "can't" not in line
    ]
    assert paths[0].split()[0].endswith("abcdef0123456789/access.log")
    assert paths[1].startswith("/var/log/apache2/access.log")


def test_what_waits_for_a_moment_waits_for_a_second() -> None:
    """Milliseconds are no help to a person."""
    waiting = component(details={"files": [file("/a.log", unread_bytes=1, oldest_pending_s=0.3)], "restarts": 0})
    lines = [line.plain for line in screen(status("running", waiting), Size(), with_files=True, now=NOW, rates={})]
    assert lines[-1].split()[-1] == "1s"


def test_texts_of_others_do_not_command_the_terminal() -> None:
    """A file's name or an answer that was quoted is shown with its control characters written out."""
    document = status("running", component(details={"files": [file("/\x1b[2J\udcff")], "restarts": 0}))
    document["notices"] = [{"text": "said \x1b]0;mine\x07", "hint": "\x9b31m"}]
    text = "".join(line.plain for line in screen(document, Size(), with_files=True, now=NOW, rates={}))
    assert text.isprintable()
    assert r"/\x1b[2J\udcff" in text
