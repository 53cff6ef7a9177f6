"""Redaction by name: the values of configured query-string, ``key=value`` and JSON names become ``***``."""

from __future__ import annotations

import re
from itertools import chain
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_MASK = b"***"

# What may stand before a whole name: no letter, digit, `_` or `-` — unless these end a percent-encoded separator,
# such as the bracket of `user%5Bpassword%5D` or the `?` of a URL inside a URL.
_EDGE = rb"(?:(?<![\w\-])|(?<=%[0-2][0-9a-cf])|(?<=%3[a-f])|(?<=%40)|(?<=%5[b-e])|(?<=%7[b-d]))"
# `password[]`, `password[0]`, `user[password]`, `user[password][new]`, also percent-encoded.
_BRACKETS = rb"(?:\]|%5d)?(?:(?:\[|%5b)[\w\-]{0,32}(?:\]|%5d)){0,4}"
# Apache and PHP write a quote inside a quoted field as `\"`.
_ESCAPED_QUOTED = rb'\\{1,3}"([^"\n\\]*)'
# A quote with a blank behind it closes the field that holds `?token=`; it opens no value.
_QUOTED = rb"\"(?![\s])((?:[^\"\\\n]|\\[^\n])+)|'(?!\s)((?:[^'\\\n]|\\[^\n]|'')+)"
_BARE = rb"((?:[^&;\s\"'\\]|\\(?![\"']))+)"
_BARE_ENCODED = rb"((?:(?!%26|%3b|%20)[^&;\s\"'\\])+)"
# The key of an object, in JSON or in what PHP's var_export prints; also JSON inside a quoted field.
_OBJECT_VALUE = (
    rb"(?<=[\"'])(?:NAME)(?P<quote>\\{0,3}[\"'])[ \t]{0,8}(?::|=>)[ \t]{0,8}"
    rb"(?:\\{1,3}\"([^\"\n\\]*)|\"((?:[^\"\\\n]|\\[^\n])+)|'((?:[^'\\\n]|\\[^\n])+)|(?P<number>-?\d[\d.eE+\-]*))"
)
_ASSIGNED_VALUE = (
    _EDGE + rb"(?:NAME)" + _BRACKETS + rb"(?:(?:=|[ \t]{1,8}=>?[ \t]{0,8})"
    rb"(?:" + _ESCAPED_QUOTED + rb"|" + _QUOTED + rb"|" + _BARE + rb")|%3d" + _BARE_ENCODED + rb")"
)

# Nobody percent-encodes letters, digits, `-` and `_` but to hide them: `pass%77ord=`.
_HIDDEN_LETTER = re.compile(rb"%(?:2d|3\d|4[1-9a-f]|5[0-9af]|6[1-9a-f]|7[0-9a])", re.IGNORECASE)


class Redactor:
    """Masks the values of given names.

    Names are whole names in any case. A value ends at ``&``, ``;``, white space, a quote or the end of the line;
    quoted values end at their quote. Newlines are never touched, so lines stay what they were, and masking what is
    masked changes nothing. It costs next to nothing while no name occurs, and time in proportion to the text always.

    Args:
        names: such as ``password``; empty: nothing is masked.
    """

    def __init__(self, names: Sequence[str]) -> None:
        lowered = sorted({name.lower().encode() for name in names if name})
        self._patterns = [(name, _compile(re.escape(name))) for name in lowered]
        self._hidden = [(name, _compile(_in_any_spelling(name))) for name in lowered]

    def apply(self, block: bytes) -> bytes:
        """Return ``block`` with the values masked; the same object when there is nothing to mask."""
        if not self._patterns:
            return block
        lowered = block.lower()
        present = [(name, pattern) for name, pattern in self._patterns if name in lowered]
        hidden = list(self._hidden_spans(block)) if b"%" in block else []
        if not present and not hidden:
            return block
        plain = chain.from_iterable(_spans(block, lowered, name, pattern) for name, pattern in present)
        return _masked(block, sorted(chain(plain, hidden)))

    def _hidden_spans(self, block: bytes) -> Iterator[tuple[int, int, bytes]]:
        """Look for names with percent-encoded letters, in the lines that hold such letters alone."""
        position = 0
        while found := _HIDDEN_LETTER.search(block, position):
            start = block.rfind(b"\n", 0, found.start()) + 1
            position = block.find(b"\n", found.end())
            position = len(block) if position < 0 else position
            decoded = unquote_to_bytes(block[start:position]).lower()
            for name, pattern in self._hidden:
                if name in decoded:
                    yield from map(_span, pattern.finditer(block, start, position))


def _compile(name: bytes) -> re.Pattern[bytes]:
    return re.compile((_OBJECT_VALUE + rb"|" + _ASSIGNED_VALUE).replace(b"NAME", name), re.IGNORECASE)


def _in_any_spelling(name: bytes) -> bytes:
    """Match a name whose letters may each be percent-encoded."""
    spelled = [
        (re.escape(bytes([byte])), *{b"%%%02x" % b for b in bytes([byte]).upper() + bytes([byte])}) for byte in name
    ]
    return b"".join(b"(?:" + b"|".join(spellings) + b")" for spellings in spelled)


def _spans(block: bytes, lowered: bytes, name: bytes, pattern: re.Pattern[bytes]) -> Iterator[tuple[int, int, bytes]]:
    """Find a name with ``find``, which is many times faster than any pattern, and let the pattern judge each place."""
    position = lowered.find(name)
    while position >= 0:
        found = pattern.match(block, position)
        if found:
            yield _span(found)
        # A value is looked through once: what it holds is masked with it.
        position = lowered.find(name, found.end() if found else position + 1)


def _span(found: re.Match[bytes]) -> tuple[int, int, bytes]:
    """Return where the value stands and what replaces it; a JSON number becomes a string."""
    if found["number"] is not None:
        quote = found["quote"]
        return *found.span("number"), quote + _MASK + quote
    last = found.lastindex or 0
    return *found.span(last), _MASK


def _masked(block: bytes, spans: Sequence[tuple[int, int, bytes]]) -> bytes:
    pieces: list[bytes] = []
    done = 0
    for start, end, mask in spans:
        if start >= done:  # else it lies in a value that is masked already
            pieces += block[done:start], mask
            done = end
    pieces.append(block[done:])
    return b"".join(pieces)
