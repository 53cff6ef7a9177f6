"""What root takes from an unprivileged daemon: counts, or nothing, in bounded time."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest

from vawsum_agent.core.errors import AgentError, NotRunningError
from vawsum_agent.core.traffic import STEPS
from vawsum_agent.deploy.guard.daemon_source import DaemonSource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
HOST = {"requests": 3, "answers_5xx": 1}
ANSWER = {
    "daemon": "run-1",
    "since": 1.0,
    "counted_until": 9.0,
    "delay_s": 2.0,
    "from_at": 5.0,
    "until_at": 10.0,
    "traffic": {"requests": 3, "answers_5xx": 1, "latency": [3], "hosts": {"a": HOST}, "of a later version": 1},
}


class Daemon:
    """Whatever listens on the socket."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.answer: Callable[[socket.socket], None] = lambda _: None
        self.asked = b""
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def says(self, text: bytes) -> None:
        """Answer with a text."""
        self.answer = lambda connection: connection.sendall(text)

    def close(self) -> None:
        """Listen no more."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                with connection, contextlib.suppress(OSError):
                    self.asked = connection.recv(4096)
                    self.answer(connection)


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    """Somebody who listens."""
    daemon = Daemon(tmp_path / "control.sock")
    yield daemon
    daemon.close()


def changed(**keys: object) -> bytes:
    """An answer that differs."""
    return OK + json.dumps({**ANSWER, **keys}).encode()


def test_counts_are_read(daemon: Daemon) -> None:
    """What the daemon tells is there, whatever a later version tells besides."""
    daemon.says(changed())
    counted = DaemonSource(daemon.path).ask(5.0, 10.0)
    assert (counted.daemon, counted.counted_until) == ("run-1", 9.0)
    assert (counted.traffic.requests, counted.traffic.answers_5xx, counted.traffic.hosts["a"].requests) == (3, 1, 3)
    assert daemon.asked.startswith(b"GET /requests?from=5.000&to=10.000 HTTP/1.1\r\n")


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        OK,
        OK + b"[]",
        OK + b"{}",
        OK + b"[" * 60_000,
        OK + b"\xff" * 100,
        b"HTTP/1.1 500 Oops\r\n\r\n" + b'{"error": "oops"}',
        changed(counted_until="now"),
        changed(counted_until=-1),
        changed(delay_s=86_400),
        changed(daemon="x" * 200),
        changed(since=1e400),
        changed(traffic={"requests": -1}),
        changed(traffic={"requests": 1.5}),
        changed(traffic={"requests": 10**30}),
        changed(traffic={"latency": [1] * (STEPS + 1)}),
        changed(traffic={"hosts": {f"h{number}": HOST for number in range(100)}}),
        changed(traffic={"hosts": {"h" * 200: HOST}}),
    ],
)
def test_nonsense_is_refused(daemon: Daemon, answer: bytes) -> None:
    """What has other types or goes beyond the bounds is no answer, and the error is one line."""
    daemon.says(answer)
    with pytest.raises(AgentError, match="makes no sense") as caught:
        DaemonSource(daemon.path).ask(5.0, 10.0)
    assert "\n" not in str(caught.value)


def test_an_older_daemon(daemon: Daemon) -> None:
    """A daemon that does not know the question has to be restarted."""
    daemon.says(b'HTTP/1.1 404 Not Found\r\n\r\n{"error": "Not Found"}')
    with pytest.raises(AgentError, match="restart it"):
        DaemonSource(daemon.path).ask(5.0, 10.0)


def test_it_takes_bounded_time(daemon: Daemon) -> None:
    """Silence, and a byte now and then, end at the limit."""

    def drip(connection: socket.socket) -> None:
        for _ in range(200):
            connection.sendall(b"H")
            time.sleep(0.02)

    def stay_silent(_: socket.socket) -> None:
        time.sleep(0.6)

    for answer in (drip, stay_silent):
        daemon.answer = answer
        begun = time.monotonic()
        with pytest.raises(AgentError):
            DaemonSource(daemon.path, timeout_s=0.2).ask(5.0, 10.0)
        assert time.monotonic() - begun < 0.5


def test_it_takes_bounded_memory(daemon: Daemon) -> None:
    """An answer without end is cut off."""
    sent: list[int] = []

    def flood(connection: socket.socket) -> None:
        sent.extend(connection.send(OK + b"x" * 65_536) for _ in range(10_000))

    daemon.answer = flood
    with pytest.raises(AgentError, match="makes no sense"):
        DaemonSource(daemon.path).ask(5.0, 10.0)
    assert sum(sent) < 2 << 20


def test_nobody_answers(tmp_path: Path, daemon: Daemon) -> None:
    """No socket, a socket nobody listens on, one that closes, and what is no socket: the daemon is not running."""
    with pytest.raises(NotRunningError, match="stopped before it answered"):
        DaemonSource(daemon.path).ask(5.0, 10.0)
    daemon.close()
    (tmp_path / "file").write_text("")
    os.mkfifo(tmp_path / "pipe")
    for name in ("control.sock", "nothing", "file", "pipe"):
        with pytest.raises(NotRunningError, match=f"no daemon answers on .*{name} .start it"):
            DaemonSource(tmp_path / name).ask(5.0, 10.0)


def test_no_link_is_followed(tmp_path: Path, daemon: Daemon) -> None:
    """A link in the socket's place leads nowhere: not to another's socket, whatever root may open."""
    daemon.says(changed())
    (tmp_path / "link.sock").symlink_to(daemon.path)
    with pytest.raises(NotRunningError):
        DaemonSource(tmp_path / "link.sock").ask(5.0, 10.0)
    assert daemon.asked == b""


def test_a_long_path(tmp_path: Path) -> None:
    """Where sockets lie too deep for an address they are found all the same."""
    folder = tmp_path / ("d" * 60) / ("e" * 60)
    folder.mkdir(parents=True)
    short = Daemon(tmp_path / "s")
    (tmp_path / "s").rename(folder / "control.sock")
    short.says(changed())
    assert DaemonSource(folder / "control.sock").ask(5.0, 10.0).daemon == "run-1"
    short.close()
