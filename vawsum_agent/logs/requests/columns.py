"""Reads requests column by column instead of line by line: no object a line, no step of Python a line. Pure.

Split at its quotes, a log whose lines are alike has its status and size in every n-th piece, and so its latency. That
the lines are alike is proven, never assumed: whatever does not fit is left to `line`, which says the same, slower.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import repeat
from operator import floordiv
from typing import TYPE_CHECKING, NamedTuple

import orjson

from vawsum_agent.core.requests import MOST
from vawsum_agent.logs.requests.hosts import are_heads, only_host
from vawsum_agent.logs.requests.line import NUMBERS, US_PER_S, pair_us

if TYPE_CHECKING:
    from collections.abc import Sequence

_DIGITS = b"0123456789"
_ESCAPED = re.compile(rb"\\[^\n]")
_NUMBERS = re.compile(rb"\n" + NUMBERS)
_QUOTES_OF_REQUEST = 2
_STATUS_AND_SIZE = 2
_MOST_BEHIND = 2
"""Numbers that can be a latency: ``%D``, ``%T`` or both."""


class Latencies(NamedTuple):
    """How long requests took, as far as their lines tell.

    Attributes:
        certain_us: those known to be microseconds.
        numbers: those that may be microseconds or seconds.
    """

    certain_us: Sequence[int] = ()
    numbers: Sequence[int] = ()


class Columns(NamedTuple):
    """What lines say; see `Line`."""

    statuses: Counter[int]
    sent_bytes: int
    latencies: Latencies


def read_columns(part: bytes) -> tuple[Columns, bytes | None] | None:
    """Read lines of one form in bulk.

    Args:
        part: whole lines, at least one.

    Returns:
        The columns, and the virtual host: empty where lines have none, None where they have different ones. Or None
        when the lines are not alike, or can't be read so.
    """
    if b"\\" in part:
        # What is escaped is no quote, whatever it is.
        part = _ESCAPED.sub(b"??", part)
    quotes = part.count(b'"', 0, part.find(b"\n"))
    if quotes < _QUOTES_OF_REQUEST or quotes % 2:
        return None
    marked = part.replace(b"\n", b'"\n')
    count = len(marked) - len(part)
    pieces = marked.split(b'"')
    stride = quotes + 1
    if len(pieces) != stride * count + 1 or pieces[-1] != b"\n":
        return None
    heads = b'"'.join(pieces[::stride])
    host = only_host(heads, count)
    if host is None and not are_heads(heads, count):
        return None
    columns = _of_common(pieces[2::stride]) if quotes == _QUOTES_OF_REQUEST else _of_combined(pieces, quotes, count)
    return (columns, host) if columns else None


def _of_common(tails: list[bytes]) -> Columns | None:
    """Read what follows the requests, of which nothing is quoted."""
    width = tails[0].count(b" ")
    if not _STATUS_AND_SIZE <= width <= _STATUS_AND_SIZE + _MOST_BEHIND:
        return None
    numbers = _numbers(tails, b' "', width, may_lack_size=True)
    if numbers is None:
        return None
    latencies = _latencies([numbers[at::width] for at in range(_STATUS_AND_SIZE, width)])
    return None if latencies is None else _columns(numbers, width, latencies)


def _of_combined(pieces: list[bytes], quotes: int, count: int) -> Columns | None:
    """Read what stands right behind the requests, and what stands behind the quoted fields that follow."""
    stride = quotes + 1
    numbers = _numbers(pieces[2::stride], b'"', _STATUS_AND_SIZE, may_lack_size=True)
    if numbers is None:
        return None
    place = next((at for at in range(4, quotes, 2) if pieces[at] != b" "), quotes)
    if any(pieces[at::stride].count(b" ") != count for at in range(4, place, 2)):
        return None
    latencies = _latencies_behind(pieces[place::stride], is_last=place == quotes)
    return None if latencies is None else _columns(numbers, _STATUS_AND_SIZE, latencies)


def _latencies_behind(pieces: list[bytes], *, is_last: bool) -> Latencies | None:
    """Find the latencies in what stands behind quoted fields, ``is_last`` or not in its line."""
    if is_last and not any(pieces):
        return Latencies()
    end = b" " if is_last else b""
    width = (pieces[0] + end).count(b" ") - 1
    if 1 <= width <= _MOST_BEHIND:
        numbers = _numbers(pieces, end + b'"', width)
        latencies = None if numbers is None else _latencies([numbers[at::width] for at in range(width)])
        if latencies is not None:
            return latencies
    if not is_last and b" " in pieces:
        return None
    # Something else stands there as well, or instead.
    end = b"\n" if is_last else b'"\n'
    return latencies_of(_NUMBERS.findall(end.join([b"", *pieces, b""])))


def latencies_of(found: Sequence[tuple[bytes, bytes]]) -> Latencies:
    """Tell latencies from what `NUMBERS` found in lines."""
    pairs = (pair_us(int(first), int(second)) for first, second in found if second)
    return Latencies([us for us in pairs if us is not None], [int(first) for first, second in found if not second])


def _numbers(pieces: list[bytes], joint: bytes, width: int, *, may_lack_size: bool = False) -> list[int] | None:
    """Read pieces of ``width`` numbers each, with a space before each and one behind the last.

    The ``joint`` is a quote, and before it the space that the pieces lack. Where ``may_lack_size``, the second number
    may be ``-``, for 0.
    """
    text = joint.join(pieces) + joint
    if may_lack_size and b"-" in text:
        if width > _STATUS_AND_SIZE and b' - "' in text:
            return None
        text = text.replace(b" - ", b" 0 ")
    if text.translate(None, _DIGITS) != (b" " * (width + 1) + b'"') * len(pieces):
        return None
    try:
        # Of spaces and digits nothing can come but whole numbers, or an error where there are none, or a zero leads.
        numbers: list[int] = orjson.loads(b"[%b]" % text[1:-2].replace(b' " ', b",").replace(b" ", b","))
    except ValueError:
        return None
    return numbers or None


def _columns(numbers: list[int], width: int, latencies: Latencies) -> Columns | None:
    statuses = Counter(numbers[::width])
    sent_bytes = sum(numbers[1::width])
    if min(statuses) < 100 or max(statuses) > 999 or sent_bytes >= MOST:  # noqa: PLR2004 - three digits
        return None
    return Columns(statuses, sent_bytes, latencies)


def _latencies(columns: list[list[int]]) -> Latencies | None:
    """See `pair_us`; None when the lines differ in that."""
    if not columns:
        return Latencies()
    firsts = columns[0]
    if sum(firsts) >= MOST or sum(columns[-1]) >= MOST:
        return None  # one of them may be
    if len(columns) == 1:
        return Latencies(numbers=firsts)
    seconds = columns[1]
    if [*map(floordiv, seconds, repeat(US_PER_S))] == firsts:
        return Latencies(seconds)
    return Latencies(firsts) if [*map(floordiv, firsts, repeat(US_PER_S))] == seconds else None
