r"""What a value means that is written in a file of secrets: a password of ``p'w`` may stand there as ``'p\'w'``. Pure.

Which program reads the file is not known, and each has rules of its own for quotes, escapes and comments. So all that a
value can mean is given, and it as it is written: whichever of these is printed has to be hidden.
"""

from __future__ import annotations

import html
import json
import re
import shlex
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterator

QUOTED = r""""(?:[^"\\\n]|\\.)*+"|'(?:[^'\\\n]|\\.)*+'"""
"""A string, as a pattern without groups."""

_QUOTED = re.compile(QUOTED)
_QUOTES = "\"'`"
_COMMENTS = (re.compile(r"\s[#;]|\s//"), re.compile(r"[#;]"))
"""What ends a value that is not quoted: in most files, and in ini files and for some readers of .env."""

_BEFORE = re.compile(r"\A(?:[!&]\S*|Bearer|Basic|Token)\s+", re.IGNORECASE)
"""No part of a value: tags and anchors of YAML, what an Authorization header begins with."""

_ESCAPES = (re.compile(r"\\(.)"), re.compile(r"\\([\\'])"), re.compile(r"\\([\\\"$`])"))
"""Characters that stand for themselves: in most languages, and in PHP's '' and a shell's "", which keep all others."""

_IN_PHP = re.compile(
    r"\\(?:u\{([0-9a-fA-F]{1,6})\}|u([0-9a-fA-F]{4})|x([0-9a-fA-F]{1,2})|([0-7]{1,3})|([ntrvef\\$\"]))"
)
_CONTROLS = {"n": "\n", "t": "\t", "r": "\r", "v": "\v", "e": "\x1b", "f": "\f"}
_LAST_CODE_POINT = 0x10FFFF
_FIRST_NOT_ASCII = 0x80
_NOT_TEXT = 0xDC00
"""How ``surrogateescape`` shows a byte: added to this."""


def readings(written: str) -> Iterator[str]:
    """Give all that a value can mean.

    Args:
        written: begins with the value, which may have quotes; a comment may follow it.
    """
    quoted = _QUOTED.match(written)
    if quoted:
        yield from _unescaped(quoted[0][1:-1])
        ends = written.rstrip(",; ")
        if len(ends) > len(quoted[0]) and ends[-1] == written[0]:
            yield from _unescaped(ends[1:-1])  # 'it''s'
    else:
        for reading in {written, *(comment.split(written, maxsplit=1)[0] for comment in _COMMENTS)}:
            bare = reading.strip().rstrip(",;").strip()
            for one in {reading.strip(), bare, bare.strip(_QUOTES), _BEFORE.sub("", bare)}:
                yield from _unescaped(one)
    yield from _first_word(written)


def _unescaped(inner: str) -> Iterator[str]:
    yield inner
    if "\\" in inner:
        yield from (escape.sub(r"\1", inner) for escape in _ESCAPES)
        yield _as_bytes_mean(_IN_PHP.sub(_character, inner))
        yield from _in_json(inner)
    if "&" in inner:
        yield html.unescape(inner)
    if "%" in inner:
        yield unquote(inner, errors="surrogateescape")
    yield from (inner.replace(quote * 2, quote) for quote in "'\"" if quote * 2 in inner)  # YAML, SQL


def _character(escape: re.Match[str]) -> str:
    *codes, byte, octal, simple = escape.groups()
    if simple:
        return _CONTROLS.get(simple, simple)
    code = next((int(digits, 16) for digits in codes if digits), None)
    if code is not None:
        return chr(code) if code <= _LAST_CODE_POINT else escape[0]
    value = int(byte, 16) if byte else int(octal, 8) & 0xFF
    return chr(value if value < _FIRST_NOT_ASCII else _NOT_TEXT + value)


def _as_bytes_mean(text: str) -> str:
    r"""Put together what was written byte by byte: ``\xc3\xa9`` is one character."""
    try:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text


def _in_json(inner: str) -> Iterator[str]:
    try:
        yield str(json.loads(f'"{inner}"'))
    except ValueError:
        return


def _first_word(written: str) -> Iterator[str]:
    """Give what a shell makes of it, which puts together what follows without a space."""
    first = "".join(written.split(maxsplit=1)[:1])
    if "\\" not in first and not any(quote in first for quote in _QUOTES):
        return
    words = shlex.shlex(written, posix=True, punctuation_chars=False)
    words.whitespace_split = True
    words.commenters = ""
    try:
        word = words.get_token()
    except ValueError:
        return
    if word:
        yield word
        yield word.rstrip(",;")
