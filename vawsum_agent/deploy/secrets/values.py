"""What of a secret must not be seen anywhere. Pure; `deploy.redact` takes it out of texts.

A file of secrets is no secret as a whole: nobody prints all of it. What a hook prints is a password, or a line that it
stands in, or a URL with it. So the values are found: `forms` says where they stand, `readings` what they mean. Which of
them are hidden is a matter of looks and names:

- what is called a password, or stands where one does, from 3 characters on; of nothing but digits, from 6 on;
- anything else from 6 characters on, unless it is a number, an address or a date;
- a line that names nothing likewise, and a file of one line from 3 characters on;
- never a word that settings are full of. ``APP_ENV=production`` is left alone, or half of what a deploy says would be
  gone; whoever takes ``production`` for a password sees it in outputs. Names of settings, such as ``username``, are
  hidden only where one is called a password.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from vawsum_agent.deploy.secrets.forms import Found, found_in, is_password
from vawsum_agent.deploy.secrets.readings import readings

if TYPE_CHECKING:
    from collections.abc import Iterator

_LEAST = 6
"""Characters of what may be a secret by its looks alone."""

_LEAST_NAMED = 3
"""Characters of what is called a password."""

_DIGITS = re.compile(r"[\d.,:-]+")
_SETTING = re.compile(r"[a-z_][a-z0-9_]*=.*")
"""Of this, only the value is hidden, if it is one that has to be."""

_WORDS = frozenset(
    [
        *("true", "false", "null", "none", "array", "string", "return", "default", "enabled", "disabled"),
        *("production", "staging", "testing", "development", "local", "localhost", "debug", "warning", "notice"),
        *("critical", "mysql", "mariadb", "pgsql", "sqlite", "redis", "memcached", "database", "cookie", "stderr"),
        *("syslog", "single", "sendmail", "utf8mb4", "utf8mb4_unicode_ci", "utf8mb4_general_ci"),
    ]
)
"""Values that settings have, and that a deploy's own words have too."""

_NAMES = frozenset(
    [
        *("host", "port", "user", "users", "username", "password", "passwd", "secret", "token", "charset", "driver"),
        *("utf8", "session"),
    ]
)
"""Names of settings, which are no value but where one is called a password."""


def secret_values(content: bytes) -> list[bytes]:
    """Find what has to be taken out of texts, the longest first.

    Args:
        content: of a secret in any common form: .env, ini, JSON, YAML, XML, PHP, Apache's and nginx's directives,
            .pgpass, .netrc, PEM, a single word.
    """
    text = content.decode("utf-8", "surrogateescape").removeprefix("\ufeff")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    found = found_in(text, lines)
    values = {value for one in found for value in readings(one.written) if _is_secret(value, is_named=one.is_named)}
    values.update(value for value, is_named in _in_json(text) if _is_secret(value, is_named=is_named))
    if len(lines) == 1 and len(lines[0]) >= _LEAST_NAMED:
        # A file that holds one password, whatever that looks like.
        values.add(lines[0])
    return sorted(filter(None, map(_encoded, values)), key=_longest_first)


def _in_json(text: str) -> Iterator[Found]:
    try:
        left: list[tuple[str, object]] = [("", json.loads(text, parse_int=str, parse_float=str))]
    except (ValueError, RecursionError):
        return
    while left:
        name, value = left.pop()
        if isinstance(value, dict):
            left += [(str(key), inner) for key, inner in value.items()]
        elif isinstance(value, list):
            left += [(name, inner) for inner in value]
        elif isinstance(value, str):
            yield Found(value, is_password(name))


def _is_secret(value: str, *, is_named: bool) -> bool:
    word = value.rstrip(",;").lower()
    if _DIGITS.fullmatch(word):
        # A port, an address or a date is no secret by its looks, and a short number stands everywhere.
        return is_named and len(value) >= _LEAST
    if word in _WORDS or (not is_named and (word in _NAMES or _SETTING.fullmatch(word))):
        return False
    return len(value) >= (_LEAST_NAMED if is_named else _LEAST)


def _encoded(value: str) -> bytes:
    try:
        return value.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return b""  # half a character, as JSON can write it: nobody can print that


def _longest_first(value: bytes) -> tuple[int, bytes]:
    return -len(value), value
