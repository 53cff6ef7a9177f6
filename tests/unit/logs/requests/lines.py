"""Lines of access logs, well formed and not, and what they come to when they are read one by one."""

from __future__ import annotations

from collections import Counter

from hypothesis import strategies as st

from vawsum_agent.core.requests import latency_buckets
from vawsum_agent.logs.requests.columns import latencies_of
from vawsum_agent.logs.requests.line import read_line

STAMP = "[23/Nov/2026:10:00:00 +0530]"

Count = tuple[Counter[int], int, Counter[int], Counter[int]]
"""Statuses, bytes, latencies that are certain, and plain numbers in their place, both by bucket."""

Counts = dict[bytes, Count]
"""By virtual host."""


def one_by_one(block: bytes) -> Counts:
    """Count by the definition of a line alone."""
    statuses: dict[bytes, list[int]] = {}
    sizes: Counter[bytes] = Counter()
    found: dict[bytes, list[tuple[bytes, bytes]]] = {}
    for line in block.split(b"\n"):
        read = read_line(line)
        if read is not None:
            host, status, size, numbers = read
            statuses.setdefault(host, []).append(status)
            sizes[host] += size
            if numbers[0]:
                found.setdefault(host, []).append(numbers)
    counts = {}
    for host, read_statuses in statuses.items():
        latencies = latencies_of(found.get(host, []))
        certain, numbers_found = latency_buckets(latencies.certain_us), latency_buckets(latencies.numbers)
        counts[host] = (Counter(read_statuses), sizes[host], certain, numbers_found)
    return counts


def _some(*texts: str) -> st.SearchStrategy[str]:
    return st.sampled_from(texts)


_NUMBER = st.integers(0, 10**7).map(str) | _some(
    "0", "1", "00", "007", "9" * 15, "9" * 16, "1" + "0" * 19, "-", "", "x"
)
_TEXT = _some("-", "", "GET / HTTP/1.1", "curl/8 [x] ", "a] ", "/café", "200 5", r"\x16\x03") | st.text(
    st.characters(exclude_characters='\n"\\'), max_size=6
)
_QUOTABLE = _TEXT | _some(r"\"", r"\\", r"a\"b", r"\\\"", r"\\ \"] \"", "x\\\\", "\\")
_ADDRESS = _some("10.0.0.1", "2001:db8::1", "::1", "fe80::1:80", "client.example.com", "-")
_HOST = _some(
    "", "", "app.vawsum.com:443 ", "api.vawsum.com:80 ", "127.0.1.1:80 ", "x:99999999 ", "a" * 140 + ":80 ", ":80 "
)
_USER = _some("-", "-", "asha", "John Smith", '""', r"\"", "- x", "a\\")
_END = st.one_of(
    st.just(""),
    st.just(""),
    _NUMBER.map(" {}".format),
    st.integers(0, 10**8).map(lambda us: f" {us} {us // 10**6}"),
    st.integers(0, 10**8).map(lambda us: f" {us // 10**6} {us}"),
    st.integers(0, 10**8).map(lambda us: f" {us // 10**6}/{us}"),
    st.tuples(_NUMBER, _NUMBER).map(lambda pair: " {} {}".format(*pair)),
    _some(
        " ", "  5", " 5 ", " 5 abc", " 5abc", " abc", " 12 3abc", " 1 2 3", "5", "\r", ' "10.0.0.7"', ' 77 "10.0.0.7"'
    ),
)


@st.composite
def _requests(draw: st.DrawFn) -> str:
    status = draw(_some("200", "200", "304", "404", "500", "101", "000", "099", "999", "20", "-"))
    end: str = draw(_END)
    line = f'{draw(_HOST)}{draw(_ADDRESS)} - {draw(_USER)} {STAMP} "{draw(_QUOTABLE)}" {status} {draw(_NUMBER)}'
    for _ in range(draw(st.sampled_from([0, 2, 2, 2, 1, 3]))):
        line += f' "{draw(_QUOTABLE)}"'
    return line + end


def _forms(end: st.SearchStrategy[str]) -> st.SearchStrategy[st.SearchStrategy[str]]:
    """Formats whose lines differ in nothing but their values."""
    host = st.sampled_from([st.just(""), st.just("app.vawsum.com:443 "), _some("a.b:80 ", "c.d:80 ", "c.d:443 ")])
    quoted = st.sampled_from(["", ' "-" "curl/8"', r' "-" "a\"b"', ' "-" "-" "10.0.0.7"'])
    return st.builds(
        lambda host, quoted, end: st.tuples(
            host, _some("10.0.0.1", "10.2.2.2"), _some("200", "304", "404", "503"), _some("-", "0", "512", "70000"), end
        ).map(
            lambda parts: f'{parts[0]}{parts[1]} - - {STAMP} "GET / HTTP/1.1" {parts[2]} {parts[3]}{quoted}{parts[4]}'
        ),
        host,
        quoted,
        st.just(end),
    )


_SOME_END = st.sampled_from(
    [
        st.just(""),
        st.integers(0, 10**7).map(" {}".format),
        st.integers(0, 10**8).map(lambda us: f" {us} {us // 10**6}"),
        st.integers(0, 10**8).map(lambda us: f" {us // 10**6} {us}"),
        st.integers(0, 10**6).map(" {} Zxy9".format),
        st.integers(0, 10**6).map(' {} "10.0.0.7"'.format),
    ]
)
UNIFORM = _SOME_END.flatmap(_forms).flatmap(lambda form: st.lists(form, min_size=1, max_size=12))
"""Lines of one form."""

GARBAGE = st.binary(max_size=30).map(lambda text: text.replace(b"\n", b"")) | st.sampled_from(
    [
        b"",
        b'"',
        b'"""',
        b'] "" 200 5',
        b'] "x" 200 5',
        b"\xff\xfe",
        b'a] "b" 200 7 "c" "d" 9\x85',
        b'x "y" z "a" 200 5 "b',
    ]
)
ODD = st.one_of(_requests().map(lambda line: line.encode("utf-8", "surrogatepass")), GARBAGE)
"""Lines of any form, or none."""


def block_of(lines: list[bytes]) -> bytes:
    """Put lines together as a file holds them."""
    return b"".join(line + b"\n" for line in lines)
