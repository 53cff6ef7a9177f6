"""What of a secret must not be seen anywhere. Pure; `deploy.redact` takes it out of texts.

A file of secrets is no secret as a whole: nobody prints all of it. What a hook prints is a password, or a line that it
stands in, or a URL with it. So the values are found: what follows ``=``, ``:`` or ``=>``, in quotes or without, and
whole lines that name nothing. ``APP_ENV=production`` is left alone, or half of what a deploy says would be gone.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_LEAST = 6
"""Characters of what may be a secret by its looks alone."""

_LEAST_NAMED = 3
"""Characters of what is called a password."""

_NAMED = re.compile(r"pass|secret|token|key|credential|auth|salt|dsn|private|pwd|signature", re.IGNORECASE)
_QUOTED = r""""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'"""
_SETTING = re.compile(r"(?:export\s+)?(?P<name>[\w.-]+)\s*[=:]\s*(?P<value>.+)")
"""A line of .env, ini or YAML."""

_PAIR = re.compile(rf"(?P<name>[\w.-]+)[\"']?\]?\s*(?:=>|[=:])\s*(?P<value>{_QUOTED})")
"""What PHP, JSON and JavaScript have, several to a line."""

_IN_QUOTES = re.compile(_QUOTED)
_ESCAPED = re.compile(r"\\(.)")
_IN_URL = re.compile(r"://[^\s/:@]*:([^\s/@]+)@")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{12,}={1,2}")
_DIGITS = re.compile(r"[\d.,:-]+")
_COMMENT = ("#", "//", ";", "<?php", "-----")
_WORDS = frozenset(
    [
        *("true", "false", "null", "none", "array", "string", "return", "default", "enabled", "disabled"),
        *("production", "staging", "testing", "development", "local", "localhost", "debug", "warning", "notice"),
        *("critical", "mysql", "mariadb", "pgsql", "sqlite", "redis", "memcached", "database", "cookie", "stderr"),
        *("syslog", "single", "sendmail", "utf8mb4", "utf8mb4_unicode_ci", "utf8mb4_general_ci"),
    ]
)
"""Values that settings have, and that a deploy's own words have too."""


def secret_values(content: bytes) -> list[bytes]:
    """Find what has to be taken out of texts, the longest first.

    Args:
        content: of a secret in any common form: .env, ini, JSON, YAML, PHP, PEM, a single word.
    """
    text = content.decode("utf-8", "surrogateescape")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    found = {value for line in lines for value in _in_line(line)} | set(_in_json(text))
    if len(lines) == 1 and len(lines[0]) >= _LEAST_NAMED:
        # A file that holds one password, whatever that looks like.
        found.add(lines[0])
    return [value.encode("utf-8", "surrogateescape") for value in sorted(found, key=_longest_first)]


def _in_line(line: str) -> Iterator[str]:
    if line.startswith(_COMMENT):
        return
    yield from (password for password in _IN_URL.findall(line) if len(password) >= _LEAST_NAMED)
    setting = None if _BASE64.fullmatch(line) else _SETTING.match(line)
    pairs = [*_PAIR.finditer(line), *([setting] if setting else [])]
    if not pairs and _is_secret(line, is_named=False):
        yield line
    for pair in pairs:
        is_named = _NAMED.search(pair["name"]) is not None
        yield from (value for value in _readings(pair["value"]) if _is_secret(value, is_named=is_named))


def _readings(value: str) -> Iterator[str]:
    """Give what a value can mean: with and without quotes, escapes, and a comment behind it."""
    quoted = _IN_QUOTES.match(value)
    if quoted:
        inner = quoted[0][1:-1]
        yield from (inner, _ESCAPED.sub(r"\1", inner))
        return
    yield from (reading.strip().rstrip(",;").strip() for reading in (value, value.partition(" #")[0]))


def _in_json(text: str) -> Iterator[str]:
    try:
        left: list[tuple[str, object]] = [("", json.loads(text))]
    except (ValueError, RecursionError):
        return
    while left:
        name, value = left.pop()
        if isinstance(value, dict):
            left += [(str(key), inner) for key, inner in value.items()]
        elif isinstance(value, list):
            left += [(name, inner) for inner in value]
        elif isinstance(value, str) and _is_secret(value, is_named=_NAMED.search(name) is not None):
            yield value


def _is_secret(value: str, *, is_named: bool) -> bool:
    if _DIGITS.fullmatch(value):
        # A port, an address or a date is no secret by its looks, and a short number stands everywhere.
        return is_named and len(value) >= _LEAST
    return len(value) >= (_LEAST_NAMED if is_named else _LEAST) and value.lower() not in _WORDS


def _longest_first(text: str) -> tuple[int, str]:
    return -len(text), text
