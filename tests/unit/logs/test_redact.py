"""Redaction by name."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vawsum_agent.logs.redact import Redactor

NAMES = ["password", "token", "api_key", "pass"]

MASKED = [
    # query strings
    (b"GET /?password=abc&x=1 HTTP/1.1", b"GET /?password=***&x=1 HTTP/1.1"),
    (b'"GET /?x=1&token=abc HTTP/1.1" 200', b'"GET /?x=1&token=*** HTTP/1.1" 200'),
    (b'"http://x/?token=abc" "curl"', b'"http://x/?token=***" "curl"'),
    (b"?PassWord=abc", b"?PassWord=***"),
    (b"?api_key=a%20b;token=c", b"?api_key=***;token=***"),
    (b"?pass=a&password=b&token=c", b"?pass=***&password=***&token=***"),
    (b"?user[password]=abc&x", b"?user[password]=***&x"),
    (b"?user%5Bpassword%5D=abc&x", b"?user%5Bpassword%5D=***&x"),
    (b"?password[]=a&password[0]=b&password%5b1%5d=c", b"?password[]=***&password[0]=***&password%5b1%5d=***"),
    (b"?user[password][new]=a", b"?user[password][new]=***"),
    (b"?pass%77ord=abc&x", b"?pass%77ord=***&x"),
    (b"?%50%41%53%53=abc&x", b"?%50%41%53%53=***&x"),
    (b"?next=%2Flogin%3Fpassword%3Dabc%26x%3D1&y", b"?next=%2Flogin%3Fpassword%3D***%26x%3D1&y"),
    # names and values outside URLs
    (b"login password=abc failed", b"login password=*** failed"),
    (b'password="a b" x', b'password="***" x'),
    (b"password='a b' x", b"password='***' x"),
    (b"SET PASSWORD = 'it''s' x", b"SET PASSWORD = '***' x"),
    (b'password="a\\"b c" x', b'password="***" x'),
    (b'"password=\\"a b\\" x"', b'"password=\\"***\\" x"'),
    (b'"msg password=abc\\" x', b'"msg password=***\\" x'),
    (b'password="a b', b'password="***'),
    (b"password = abc", b"password = ***"),
    (b"    [password] => abc\n", b"    [password] => ***\n"),
    # JSON, and PHP's var_export
    (b'{"password": "abc","x":1}', b'{"password": "***","x":1}'),
    (b'{"Password" :"a\\"b c","x":1}', b'{"Password" :"***","x":1}'),
    (b'{"token":12.5e3,"x":1}', b'{"token":"***","x":1}'),
    (b'"{\\"password\\":\\"abc\\"}"', b'"{\\"password\\":\\"***\\"}"'),
    (b"'password' => 'a b',", b"'password' => '***',"),
    # a value ends with its line
    (b"token=abc\ntoken=def\r\n", b"token=***\ntoken=***\r\n"),
    (b'token="abc\ndef" x', b'token="***\ndef" x'),
]

UNTOUCHED = [
    b"mypassword=abc",
    b"password2=abc",
    b"my-token=abc&_token=abc",
    b"passwords=abc",
    b"token: abc",
    b"/password/token/reset",
    b"?password=&x=1",
    b'"GET /?password= HTTP/1.1" 200 5',
    b'"http://x/?token=" "Mozilla/5.0"',
    b'{"token":null,"password":""}',
    b"?x=%41%42%43",
    b"password=\nabc",
    b"",
]


@pytest.mark.parametrize(("text", "expected"), MASKED)
def test_values_of_the_names_are_masked(text: bytes, expected: bytes) -> None:
    """However the name is written, its value, the whole value and nothing but the value becomes ``***``."""
    assert Redactor(NAMES).apply(text) == expected


@pytest.mark.parametrize(("text", "expected"), MASKED)
def test_masking_twice_changes_nothing(text: bytes, expected: bytes) -> None:
    """A text from the dead-letter file may pass again."""
    assert text
    assert Redactor(NAMES).apply(expected) == expected


@pytest.mark.parametrize("text", UNTOUCHED)
def test_everything_else_stays(text: bytes) -> None:
    """Other names, names without a value and empty values stay as they are."""
    assert Redactor(NAMES).apply(text) == text


def test_nothing_to_mask_is_the_same_object() -> None:
    """A block without any name is not even copied."""
    block = b"GET / HTTP/1.1\n" * 100
    assert Redactor(NAMES).apply(block) is block
    assert Redactor([]).apply(b"password=abc") == b"password=abc"


def test_names_are_text_not_patterns() -> None:
    """A name with characters that mean something in a regular expression is that name."""
    assert Redactor(["a.b", "c[d"]).apply(b"a.b=1 axb=1 c[d=1") == b"a.b=*** axb=1 c[d=***"


PIECES = [
    *(
        b"password",
        b"token",
        b"pass%77ord",
        b"=",
        b" = ",
        b'"',
        b"'",
        b"\\",
        b'\\"',
        b"[",
        b"]",
        b"%5b",
        b"%5D",
        b"%3d",
    ),
    *(b"%26", b"&", b";", b":", b"=>", b"\n", b"\r", b" ", b"a", b"12", b"***", b"\xff", b"%41"),
]
texts = st.lists(st.one_of(st.sampled_from(PIECES), st.binary(max_size=4)), max_size=24).map(b"".join)


@given(texts)
def test_any_text_keeps_its_lines_and_is_masked_once(text: bytes) -> None:
    """No newline moves, and a second pass finds nothing more to do."""
    redactor = Redactor(NAMES)
    once = redactor.apply(text)
    assert once.count(b"\n") == text.count(b"\n")
    assert redactor.apply(once) == once


@given(st.text("abcXYZ0189-._~%+/", min_size=1).map(str.encode), st.sampled_from(NAMES))
def test_no_part_of_a_query_value_survives(value: bytes, name: str) -> None:
    """A value of a query string is masked to its last character."""
    line = b'"GET /a?x=1&%s=%s&y=2 HTTP/1.1" 200' % (name.encode(), value)
    assert Redactor(NAMES).apply(line) == b'"GET /a?x=1&%s=***&y=2 HTTP/1.1" 200' % name.encode()


@given(st.lists(texts, max_size=4))
def test_lines_are_masked_each_by_itself(lines: list[bytes]) -> None:
    """Whether a block is masked as a whole or line by line makes no difference."""
    redactor = Redactor(NAMES)
    single = [line.replace(b"\n", b"") for line in lines]
    assert redactor.apply(b"\n".join(single)) == b"\n".join(map(redactor.apply, single))


@pytest.mark.parametrize(
    "shape",
    [b"password=", b"token", b'"password":"', b"password[", b'password=\\"', b"password='", b"password=''", b"\\",
     b"pass%77ord=", b"%41", b"password[a]", b'"password\\\\"', b"password =", b"password%3d%2"],
)  # fmt: skip
def test_hostile_text_costs_time_in_proportion(shape: bytes) -> None:
    """A megabyte of beginnings that never end is done within a moment."""
    begun = time.process_time()
    Redactor(NAMES).apply(shape * (1_000_000 // len(shape)))
    assert time.process_time() - begun < 5.0
