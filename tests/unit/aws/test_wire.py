"""Requests over connections that are open: what goes out, every kind of answer, and what is never used again."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, cast

import pytest
import urllib3
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError
from botocore.httpsession import URLLib3Session

from vawsum_agent.aws.wire import Wire, WireAnswer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

URL = "http://service"
PLAIN = b'HTTP/1.1 200 OK\r\nETag: "e"\r\nContent-Length: 0\r\n\r\n'
CHUNKED = (
    b"HTTP/1.1 503 Slow Down\r\nTransfer-Encoding: chunked\r\nx-amz-request-id: 7\r\n\r\n"
    b"5\r\n<Erro\r\n3\r\nr/>\r\n0\r\n\r\n"
)
HASTY = [b"HTTP/1.1 503 Slow Down\r\nContent-Length: 6\r\n\r\n<Err/>"]
"""Comes before the body was read, which it never is."""
LIMIT_S = 20.0


class Service:
    """Takes connections one after the other, and answers each request with the next of its texts.

    Args:
        answers: each in the pieces in which it is sent; one without any hangs up instead.

    Attributes:
        requests: head and body of each.
        connections: how many there were.
    """

    def __init__(self, answers: Sequence[Sequence[bytes]]) -> None:
        self.requests: list[tuple[bytes, bytes]] = []
        self.connections = 0
        self._answers = list(answers)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Listen no more."""
        self._listening.close()

    def _serve(self) -> None:
        while self._answers:
            try:
                connection = self._listening.accept()[0]
            except OSError:
                return
            self.connections += 1
            with connection, cast("BinaryIO", connection.makefile("rb")) as file:
                while self._answers and self._answer(connection, file):
                    pass

    def _answer(self, connection: socket.socket, file: BinaryIO) -> bool:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = file.readline()
            if not line:
                return False
            head += line
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        pieces = self._answers.pop(0)
        self.requests.append((head, file.read(0 if pieces == HASTY else int(length or b"0"))))
        for piece in pieces:
            connection.sendall(piece)
        return pieces not in ([], HASTY)


@contextmanager
def wired(*answers: Sequence[bytes], read_timeout_s: float = LIMIT_S) -> Iterator[tuple[Wire, Service]]:
    """Give a wire with one connection open: the answer to the request that opened it comes on top."""
    service = Service([[PLAIN], *answers])
    timeout = urllib3.Timeout(connect=LIMIT_S, read=read_timeout_s)
    with urllib3.HTTPConnectionPool("127.0.0.1", service.port, timeout=timeout, retries=False) as pool:
        pool.request("GET", "/open")
        yield Wire(pool, URL), service
    service.close()


def put(wire: Wire, body: bytes = b"picture") -> WireAnswer | None:
    """Send a request."""
    return wire.send("PUT", "/bucket/a%20b.jpg", {"host": "service:80", "x-amz-date": "now"}, body)


def test_request() -> None:
    """What is sent is the request line, the headers as they are given, the length, and the body."""
    with wired([PLAIN]) as (wire, service):
        answer = put(wire)
    assert answer == WireAnswer(200, {"etag": '"e"', "content-length": "0"}, b"")
    expected = b"PUT /bucket/a%20b.jpg HTTP/1.1\r\nhost: service:80\r\nx-amz-date: now\r\ncontent-length: 7\r\n\r\n"
    assert service.requests[1:] == [(expected, b"picture")]


def test_large_bodies_are_whole() -> None:
    """What is sent in pieces arrives as one body, and the connection serves the next request, too."""
    body = bytes(range(256)) * 3_001
    with wired([PLAIN], [PLAIN]) as (wire, service):
        assert put(wire, body) == put(wire)
    assert [sent for _, sent in service.requests[1:]] == [body, b"picture"]
    assert service.connections == 1


@pytest.mark.parametrize(
    "answer",
    [PLAIN, CHUNKED, b"HTTP/1.1 412 No\r\nContent-Length: 6\r\n\r\n<Err/>", b"HTTP/1.1 100 Go\r\n\r\n" + PLAIN],
)
def test_answers_in_pieces(answer: bytes) -> None:
    """However an answer is cut, it is the same one; and the connection is left where the next begins."""
    with wired([answer], [bytes([byte]) for byte in answer], [answer[:20], answer[20:]], [PLAIN]) as (wire, service):
        first, *others = (put(wire) for _ in range(3))
        assert first is not None
        assert others == [first, first]
        assert put(wire) == WireAnswer(200, {"etag": '"e"', "content-length": "0"}, b"")
    assert service.connections == 1


def test_bodies_of_errors_are_read() -> None:
    """What S3 says is wrong comes in chunks, without a length."""
    with wired([CHUNKED]) as (wire, _):
        answer = put(wire)
    assert answer is not None
    assert (answer.status_code, answer.content, answer.headers["x-amz-request-id"]) == (503, b"<Error/>", "7")


@pytest.mark.parametrize(
    "last",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 500 No\r\nConnection: close\r\nContent-Length: 9\r\n\r\nthe cause",
        b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_the_other_side_may_say_that_it_is_the_last(last: bytes) -> None:
    """Then nothing more is sent there, and the caller is told that no connection is open."""
    with wired([last], [PLAIN]) as (wire, service):
        answer = put(wire)
        assert answer is not None
        assert answer.content == (b"the cause" if answer.status_code == 500 else b"")
        assert put(wire) is None
    assert len(service.requests) == 2


@pytest.mark.parametrize("broken", [b"", PLAIN[:30], CHUNKED[:-9], b"no HTTP\r\n\r\n"])
def test_hung_up_while_it_answers(broken: bytes) -> None:
    """An answer that breaks off is none: it is unknown what was done, and the connection is not used again."""
    with wired([broken] if broken else []) as (wire, _):
        with pytest.raises(ConnectionClosedError):
            put(wire)
        assert put(wire) is None


def test_the_other_side_does_not_want_the_body() -> None:
    """It says why and hangs up: that is the answer, not that the connection broke."""
    with wired(HASTY) as (wire, _):
        answer = put(wire, bytes(32 << 20))
        assert answer is not None
        assert (answer.status_code, answer.content) == (503, b"<Err/>")
        assert put(wire) is None


def test_no_answer_in_time() -> None:
    """The same for one that does not come."""
    with wired([b"HTTP/1.1 200"], [PLAIN], read_timeout_s=0.2) as (wire, _):
        with pytest.raises(ReadTimeoutError):
            put(wire)
        assert put(wire) is None


def test_line_breaks_end_no_header() -> None:
    """Nothing is sent where a value would add a header of its own."""
    with wired([PLAIN]) as (wire, service):
        for value in ("a\r\nx-evil: 1", "a\nb"):
            with pytest.raises(ValueError, match="line break"):
                wire.send("PUT", "/", {"cache-control": value}, b"")
    assert len(service.requests) == 1


def test_proxies_are_left_to_botocore() -> None:
    """Where one is set for the address, there is no wire; without, there is."""
    assert Wire.of(URLLib3Session(), URL) is not None
    assert Wire.of(URLLib3Session(proxies={"http": "http://127.0.0.1:9"}), URL) is None
