"""What one line says about its request."""

from __future__ import annotations

import pytest

from tests.unit.logs.requests.lines import STAMP
from vawsum_agent.logs.requests.line import host_of, pair_us, read_line

START = f'10.0.0.1 - - {STAMP} "GET / HTTP/1.1"'

SAMPLES = [
    (f"{START} 200 2326", (b"", 200, 2326, (b"", b""))),  # common
    (f"{START} 304 -", (b"", 304, 0, (b"", b""))),
    (f"{START} 200 2326 1512", (b"", 200, 2326, (b"1512", b""))),  # common with %D
    (f'{START} 200 2326 "-" "curl/8"', (b"", 200, 2326, (b"", b""))),  # combined
    (f'{START} 500 2326 "-" "curl/8" 1512', (b"", 500, 2326, (b"1512", b""))),
    (f'{START} 200 2326 "-" "curl/8" 1512 0', (b"", 200, 2326, (b"1512", b"0"))),
    (f'{START} 200 2326 "-" "curl/8" 0/1512', (b"", 200, 2326, (b"0", b"1512"))),
    (f'{START} 200 2326 "-" "curl/8" "10.0.0.7" 1512', (b"", 200, 2326, (b"1512", b""))),
    (f'{START} 200 2326 "-" "curl/8" 1512 "10.0.0.7"', (b"", 200, 2326, (b"1512", b""))),
    (f'{START} 200 2326 "-" "curl/8" -37', (b"", 200, 2326, (b"", b""))),  # the clock was set back
    (f'app.vawsum.com:443 {START} 200 9 "-" "-"', (b"app.vawsum.com", 200, 9, (b"", b""))),
    (f'2001:db8::1 - - {STAMP} "-" 408 0 "-" "-" 20', (b"", 408, 0, (b"20", b""))),
    (f'10.0.0.1 - "" {STAMP} "-" 401 0 "-" "-" 20', (b"", 401, 0, (b"20", b""))),  # an empty user
    (f'10.0.0.1 - a\\"b {STAMP} "-" 401 0', (b"", 401, 0, (b"", b""))),
    (f'10.0.0.1 - - {STAMP} "" 400 226', (b"", 400, 226, (b"", b""))),
    (f'10.0.0.1 - - {STAMP} "GET /\\" 500 9 \\"" 200 5 "-" "x\\\\" 7', (b"", 200, 5, (b"7", b""))),
]
"""Line, and what it says."""


@pytest.mark.parametrize(("line", "says"), SAMPLES)
def test_what_lines_say(line: str, says: tuple[object, ...]) -> None:
    """Status, size and latency are read where the formats have them, with a newline or without."""
    assert read_line(line.encode()) == says
    assert read_line(line.encode() + b"\n") == says


@pytest.mark.parametrize(
    "line",
    [
        "",
        "garbage",
        f"10.0.0.1 - - {STAMP} ",
        f"{START} 200",
        f"{START} 20 5",
        f"{START} 200 5x",
        'x "y" 200 5',
        '] "x',
    ],
)
def test_what_is_no_request(line: str) -> None:
    """A line that is cut off or is something else says nothing."""
    assert read_line(line.encode()) is None


@pytest.mark.parametrize(
    ("start", "host"),
    [
        ("app.vawsum.com:80 10.0.0.1 - -", "app.vawsum.com"),
        ("app:80 ::1 - -", "app"),
        ("10.0.0.1 - -", ""),
        ("127.0.1.1:80 10.0.0.1 - -", ""),
        ("2001:db8::1 - -", ""),
        ("fe80:1 - -", ""),
        ("10.9.9.9, 10.0.0.5 10.0.0.1 - -", ""),
        ("evil.example:80, 10.0.0.5 10.0.0.1 - -", ""),
        (f"{'a' * 129}:80 10.0.0.1 - -", ""),
    ],
)
def test_hosts_are_told_from_clients(start: str, host: str) -> None:
    """Only what `%v:%p` writes is a virtual host: no address of a client or a proxy becomes a dimension."""
    assert host_of(start.encode()) == host.encode()


@pytest.mark.parametrize(
    ("pair", "us"),
    [((1_512, 0), 1_512), ((0, 1_512), 1_512), ((2_900_000, 2), 2_900_000), ((2, 2_900_000), 2_900_000), ((0, 0), 0)],
)
def test_microseconds_are_known_by_their_seconds(pair: tuple[int, int], us: int) -> None:
    """Of `%D` and `%T`, in either order, the microseconds are taken."""
    assert pair_us(*pair) == us


def test_bytes_in_and_out_are_no_latency() -> None:
    """What mod_logio writes behind the agent is not taken for a time."""
    assert pair_us(431, 5_120) is None
