r"""Takes secret values out of all that is said: outputs of hooks, errors, notifications, the journal. Pure.

A value does not always appear as it is: PHP prints it as JSON or HTML and cuts it in stack traces, a URL encodes it, a
debugging header is base64. So each is looked for in all these forms. What a value is within a file of secrets is said
by `secrets.values`.
"""

from __future__ import annotations

import base64
import html
import json
import re
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus, unquote

from vawsum_agent.core.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

HIDDEN = "***"
"""As the logs show what they redact."""

_LEAST = 3
"""Characters of what is looked for at all; with fewer a text would be holes."""

_LEAST_ANYWHERE = 6
"""Characters of what is taken out wherever it stands; shorter ones only as words of their own."""

_LEAST_BASE64 = 8
_IN_TRACES = 15
"""Bytes of an argument in PHP's stack traces (zend.exception_string_param_max_len)."""

_OUR_WORDS = ("vawsum-agent", "deploy.toml", HIDDEN)
_ENCODED = re.compile(r"%[0-9A-F]{2}")


class Redactor:
    """Knows secret values, and hides them.

    Args:
        known: texts that are no secret, such as the application's name and path: a value that occurs in one of these
            is left alone. A database is often called as the application is, and half of all that is said would be gone.
    """

    def __init__(self, known: Iterable[str] = ()) -> None:
        self._known = (*known, *_OUR_WORDS)
        self._forms: set[str] = set()

    def add(self, value: bytes | str) -> None:
        """Hide this value from now on, each of its lines, and what becomes of them in other notations."""
        text = (value if isinstance(value, str) else value.decode("utf-8", "surrogateescape")).strip()
        for part in {text, *(line.strip() for line in text.splitlines())}:
            if len(part) >= _LEAST and (part == text or len(part) >= _LEAST_ANYWHERE):
                self._forms.update(form for form in _forms(part) if self._is_worth_hiding(form))

    def _is_worth_hiding(self, form: str) -> bool:
        return len(form) >= _LEAST and not any(form in known for known in self._known)

    def __call__(self, text: str, *, is_cut_before: bool = False, is_cut_after: bool = False) -> str:
        """Give the text without any secret value. What was hidden once stays as it is when it comes again.

        Args:
            text: bytes that are not UTF-8 stand in it by ``surrogateescape``.
            is_cut_before: what came before it is missing, so that it may begin with the end of a value.
            is_cut_after: the same of its end.
        """
        spans = [span for form in self._forms for span in _places(text, form)]
        if is_cut_before:
            spans += [(0, end) for form in self._forms if (end := _overlap(form, text))]
        if is_cut_after:
            spans += [(len(text) - length, len(text)) for form in self._forms if (length := _overlap(text, form))]
        return _hidden(text, spans) if spans else text


def _forms(value: str) -> Iterator[str]:
    """Give what may stand for a value."""
    in_json = json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]
    in_urls = quote(value, safe="", errors="surrogateescape"), quote_plus(value, errors="surrogateescape")
    yield value
    yield printable(value)
    yield re.sub(r"\\(.)", r"\1", value)  # it was quoted where it came from
    yield unquote(value, errors="surrogateescape")  # or it came from a URL
    yield from in_json
    yield from (form.replace("/", r"\/") for form in in_json)  # json_encode() of PHP
    yield from in_urls
    yield from (_ENCODED.sub(lambda found: found[0].lower(), form) for form in in_urls)
    yield html.escape(value)
    yield html.escape(value).replace("&#x27;", "&#039;")  # htmlspecialchars() of PHP
    yield value.replace("'", r"'\''")  # a shell, which also shows commands under `set -x`
    yield value.replace("'", "'\"'\"'")
    content = value.encode("utf-8", "surrogateescape")
    if len(content) > _IN_TRACES:
        yield content[:_IN_TRACES].decode("utf-8", "surrogateescape") + "..."
    for form in _in_base64(content):
        yield form
        yield form.replace("+", "-").replace("/", "_")


def _in_base64(content: bytes) -> Iterator[str]:
    """Give its encoding, and the part of it that stays the same when other bytes come before and after."""
    yield base64.b64encode(content).decode()
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + content).decode()
        # Six bits a character: those that hold a bit of a neighbour may be any.
        inner = encoded[-(-before * 8 // 6) : (before + len(content)) * 8 // 6]
        if len(inner) >= _LEAST_BASE64:
            yield inner


def _places(text: str, form: str) -> Iterator[tuple[int, int]]:
    """Find where a form stands, also where it overlaps itself. Many times faster than one pattern of all forms."""
    at = text.find(form)
    while at >= 0:
        end = at + len(form)
        if len(form) >= _LEAST_ANYWHERE or not (_is_word(text[at - 1 : at]) or _is_word(text[end : end + 1])):
            yield at, end
        at = text.find(form, at + 1)


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"


def _overlap(earlier: str, later: str) -> int:
    """How many characters at the end of one text are the beginning of the other, as long as that says anything."""
    start = later[:_LEAST_ANYWHERE]
    if len(start) < _LEAST_ANYWHERE:
        return 0
    at = earlier.find(start, max(0, len(earlier) - len(later)))
    while at >= 0:
        if later.startswith(earlier[at:]):
            return len(earlier) - at
        at = earlier.find(start, at + 1)
    return 0


def _hidden(text: str, spans: list[tuple[int, int]]) -> str:
    """Put the mask in the place of spans, which may overlap: once for all that touch."""
    pieces: list[str] = []
    done = 0
    for start, end in sorted(spans):
        if start > done or not pieces:
            pieces += text[done:start], HIDDEN
        done = max(done, end)
    return "".join([*pieces, text[done:]])
