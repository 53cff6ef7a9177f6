"""The agent's own looks at status pages are no requests; everything else is, however alike it looks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.logs.requests.lines import STAMP
from vawsum_agent.logs.requests.visits import OwnVisits

PAGES = OwnVisits(["http://127.0.0.1/server-status?auto", "http://localhost:8080/fpm-status?json", "http://[::1]"])


def line(head: str, target: str, agent: str | None = "vawsum-agent") -> bytes:
    """A line of an access log; without ``agent`` one of common."""
    rest = "" if agent is None else f' "-" "{agent}"'
    return f'{head} - - {STAMP} "GET {target} HTTP/1.1" 200 5{rest}\n'.encode()


OWN = [
    line("127.0.0.1", "/server-status?auto"),
    line("::1", "/fpm-status?json"),
    line("localhost", "/"),
    line("127.0.1.1", "/server-status?auto", None),
    line("app.vawsum.com:80 127.0.0.1", "/fpm-status?json"),
    line("- 127.0.0.1", "/fpm-status?json"),
    line("127.0.0.1", "/server-status?auto").replace(b'agent"', b'agent" 1234 0'),
]
OTHERS = [
    line("10.0.0.7", "/server-status?auto"),
    line("127.0.0.1", "/server-status?auto", "curl/8"),
    line("127.0.0.1", "/server-status"),
    line("127.0.0.1", "/fpm-status?json&full"),
    line("127.0.0.1 10.0.0.7", "/server-status?auto"),
    line("127.0.0.1.example.com", "/server-status?auto"),
    line("127.0.0.1", "/server-status?auto").replace(b"GET", b"POST"),
    line("10.0.0.7", "/?127.0.0.1 - - [x] /server-status?auto"),
    b'127.0.0.1 - ] \\"GET /server-status?auto HTTP/1.1\\" ' + STAMP.encode() + b' "GET /x HTTP/1.1" 200 5\n',
    b"\n",
    b"no request\n",
]


@given(st.lists(st.sampled_from([(own, True) for own in OWN] + [(other, False) for other in OTHERS])), st.booleans())
def test_own_visits_alone_are_left_out(lines: list[tuple[bytes, bool]], has_end: bool) -> None:
    """Of any mix of lines those of the agent go, and the others stay as they are and in their order."""
    part = b"".join(text for text, _ in lines)
    expected = b"".join(text for text, is_own in lines if not is_own)
    if lines and not has_end:
        part = part[:-1]
        expected = expected if lines[-1][1] else expected[:-1]
    assert PAGES.left_out(part) == expected


@pytest.mark.parametrize("text", OWN)
def test_without_pages_all_lines_count(text: bytes) -> None:
    """Where the agent looks at no page, nothing is taken for a look of its own."""
    assert OwnVisits().left_out(text) == text
