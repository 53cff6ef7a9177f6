"""HTTP messages are read, and passed on, byte for byte."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.aws.wire import Head, WireError, copy_answer_body, copy_request_body, read_body, read_head


def chunked(parts: list[bytes]) -> bytes:
    """Return these parts as a chunked body with a trailer."""
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\nTrailer: x\r\n\r\n"


@given(st.lists(st.binary(min_size=1, max_size=300), max_size=5))
def test_chunked_bodies_are_unframed_or_passed_on_as_they_came(parts: list[bytes]) -> None:
    """Reading takes the framing off; copying keeps every byte, trailer included."""
    head, framed = Head("POST / HTTP/1.1", (("Transfer-Encoding", "chunked"),)), chunked(parts)
    assert read_body(io.BytesIO(framed + b"next"), head) == b"".join(parts)
    copied = bytearray()
    copy_request_body(io.BytesIO(framed + b"next"), head, copied.extend)
    assert bytes(copied) == framed


def test_head_is_read_and_the_next_message_left_alone() -> None:
    """A head ends at its blank line; field names have no case."""
    reader = io.BytesIO(b"PUT /a HTTP/1.1\r\nHost: x\r\ncontent-length: 2\r\n\r\nabGET")
    head = read_head(reader)
    assert head is not None
    assert (head.get("HOST"), head.length) == ("x", 2)
    assert read_body(reader, head) == b"ab"
    assert reader.read() == b"GET"


def test_closed_connection_is_no_message() -> None:
    """The end between two messages is an orderly one."""
    assert read_head(io.BytesIO(b"")) is None


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1\r\nHost", b"GET / HTTP/1.1\r\n"])
def test_cut_heads_are_errors(data: bytes) -> None:
    """The end inside a head is not."""
    with pytest.raises(WireError):
        read_head(io.BytesIO(data))


def test_cut_body_is_an_error() -> None:
    """A body shorter than announced is never taken for a whole one."""
    with pytest.raises(WireError):
        read_body(io.BytesIO(b"ab"), Head("POST / HTTP/1.1", (("Content-Length", "3"),)))


def test_answers_without_a_body_have_none() -> None:
    """The answer to HEAD announces a length and sends nothing."""
    head = Head("HTTP/1.1 200 OK", (("Content-Length", "9"),))
    assert copy_answer_body(io.BytesIO(b"next"), head, "HEAD", bytearray().extend)
