"""No secret value in anything that is said, in whatever notation, and nothing else is hidden."""

from __future__ import annotations

import base64
import html
import json
import time
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vawsum_agent.core.text import printable
from vawsum_agent.deploy.redact import HIDDEN, Redactor

SECRET = "p/ä'§\"s&w<ör+d =?\\x1-longer"

OUR_WORDS = "vawsum-agent deploy.toml"

values = st.text(st.characters(exclude_characters="*", exclude_categories=["Cs"]), min_size=6, max_size=60).filter(
    lambda value: len(value.strip()) >= 6 and len(value.splitlines()) == 1 and value.strip() not in OUR_WORDS
)
NOTATIONS = [
    str,
    printable,
    lambda value: json.dumps(value)[1:-1],
    lambda value: json.dumps(value, ensure_ascii=False)[1:-1],
    lambda value: json.dumps(value)[1:-1].replace("/", "\\/"),
    lambda value: quote(value, safe=""),
    quote_plus,
    html.escape,
    lambda value: base64.b64encode(value.encode()).decode(),
    lambda value: base64.urlsafe_b64encode(value.encode()).decode(),
]


def redactor(*secrets: bytes | str) -> Redactor:
    """One that knows these."""
    made = Redactor()
    for secret in secrets:
        made.add(secret)
    return made


@pytest.mark.parametrize(
    "shown",
    [
        f"password={SECRET}!",
        json.dumps({"a": SECRET}),
        json.dumps({"a": SECRET}).replace("/", "\\/"),
        f"mysql://u:{quote(SECRET, safe='')}@h/",
        f"?a={quote_plus(SECRET)}&b",
        "<p>" + html.escape(SECRET).replace("&#x27;", "&#039;"),
        "+ echo '" + SECRET.replace("'", "'\"'\"'") + "'",
        "#0 index.php(3): login('" + SECRET.encode()[:15].decode() + "...')",
        "Basic " + base64.b64encode(f"u:{SECRET}".encode()).decode(),
        "Basic " + base64.b64encode(f"us:{SECRET}:x".encode()).decode(),
        "Basic " + base64.urlsafe_b64encode(f"usr:{SECRET}:yz".encode()).decode(),
    ],
)
def test_notations(shown: str) -> None:
    """What PHP, shells and URLs make of a value is hidden, and what stands around it is not."""
    clean = redactor(SECRET)(shown)
    assert HIDDEN in clean
    assert clean[:3] == shown[:3]
    assert SECRET[:8] not in clean
    assert quote(SECRET)[:12] not in clean


@given(values, st.sampled_from(NOTATIONS), st.text("ab-+/ \n", max_size=9), st.text("ab-+/ \n", max_size=9))
def test_no_value_remains(value: str, notation: object, before: str, after: str) -> None:
    """Whatever a value is and stands between, its notation is gone."""
    assert callable(notation)
    redact = redactor(value)
    said = notation(value.strip())
    clean = redact(f"{before}|{said}|{after}")
    assert said not in clean
    assert HIDDEN in clean
    assert redact(clean) == clean


@given(st.lists(values, max_size=5), st.text("xyz \n", max_size=50))
def test_nothing_else_is_hidden(secrets: list[str], text: str) -> None:
    """A text in which no value stands comes back as it was."""
    redact = redactor(*(f"0{secret}0" for secret in secrets))
    assert redact(text) == text


@given(values, st.integers(0, 60))
def test_across_a_cut(value: str, at: int) -> None:
    """Where the middle of an output was dropped, neither half of a value that stood at the cut is shown."""
    value = value.strip()
    redact = redactor(value)
    first, last = f"--{value[:at]}", f"{value[at:]}--"
    if at >= 6:
        assert value[:6] not in redact(first, is_cut_after=True)
    if len(value) - at >= 6:
        assert value[-6:] not in redact(last, is_cut_before=True).removesuffix("--")


def test_lines_and_bytes() -> None:
    """A key of many lines is hidden line by line; bytes that are no text are hidden, too."""
    redact = redactor(b"-----BEGIN KEY-----\nAAAABBBBCCCC\nDDDDEEEE==\n", b"\xff\xfe\x00binary")
    assert redact("one AAAABBBBCCCC two") == "one *** two"
    assert redact(b"x \xff\xfe\x00binary y".decode("utf-8", "surrogateescape")) == "x *** y"


def test_overlapping_values() -> None:
    """Of two values that overlap, nothing is left over."""
    assert redactor("abcdefgh", "efghijkl", "cdefgh")("<abcdefghijkl>") == "<***>"


def test_short_values() -> None:
    """A short one is hidden as a word of its own; within words it would be found everywhere. One letter never is."""
    redact = redactor("abc", "x", "", b"  \n")
    assert redact("abc, xabc, abc_1, =abc=, x") == "***, xabc, abc_1, =***=, x"


def test_what_everybody_knows_is_no_secret() -> None:
    """A database called as the application is does not hide the application's name and path."""
    redact = Redactor(["/var/www/shopping-web"])
    for secret in ("shopping", "vawsum", "shopping-db"):
        redact.add(secret)
    said = "run `vawsum-agent deploy history --app shopping-web`; shopping-db"
    assert redact(said) == said.replace("shopping-db", "***")


def test_many_values_in_a_long_output() -> None:
    """Hundreds of values in the longest output that is kept take no noticeable time."""
    redact = redactor(*(f"secret/value number {number}" for number in range(300)))
    text = "Nothing of interest happens in this line of output.\n" * 2500
    began = time.process_time()
    assert redact(text) == text
    assert time.process_time() - began < 5
