"""Somebody answers in the place of the daemon, whose socket lies in a folder of its own: a deploy has limits."""

from __future__ import annotations

import os
import socket
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import pytest

from tests.counts import IS_SOAK
from tests.integration.deploy.deploying import SECOND
from tests.integration.deploy.hostile.malice import NO_DRAIN, expect_taken_back

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.integration.deploy.deploying import DeployHost

LONGEST_S = 60.0


def _garbage(connection: socket.socket) -> None:
    connection.sendall(os.urandom(5000))


def _endless(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n[")
    while True:
        connection.sendall(b"[" * 65_536)


def _huge(connection: socket.socket) -> None:
    huge = b"9" * 5000
    body = (
        b'{"daemon":"x","since":%b,"counted_until":%b,"delay_s":1,"from_at":1,"until_at":1,"traffic":{"requests":%b}}'
    )
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + body.replace(b"%b", huge))


def _silent(connection: socket.socket) -> None:
    connection.recv(1 << 20)
    connection.recv(1 << 20)


def _dripping(connection: socket.socket) -> None:
    while True:
        connection.sendall(b"x")
        time.sleep(0.2)


ANSWERS: dict[str, Callable[[socket.socket], None]] = {
    "huge": _huge,
    "endless": _endless,
    "garbage": _garbage,
    "silent": _silent,
    "dripping": _dripping,
}


@contextmanager
def served(path: Path, answer: Callable[[socket.socket], None]) -> Iterator[None]:
    """Put a server in the place of the daemon."""
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection, suppress(OSError):
                    answer(connection)

        threading.Thread(target=serve, daemon=True).start()
        yield
        listener.shutdown(socket.SHUT_RDWR)
    path.unlink()


@pytest.mark.parametrize("what", ANSWERS if IS_SOAK else ["huge"])
def test_another_daemon_answers(host: DeployHost, what: str) -> None:
    """It can't hold a deploy up, nor fill its memory: who requires a guard is told that there is none."""
    host.configure(f"{NO_DRAIN}\n[deploy.app.guard]\nrequired = true\n")
    began = time.monotonic()
    with served(host.host.directory / "run/control.sock", ANSWERS[what]):
        ended = host.deploy(SECOND)
    assert time.monotonic() - began < LONGEST_S
    expect_taken_back(host, ended, "record", "the guard is required and would see nothing")


@pytest.mark.skipif(not IS_SOAK, reason="many seconds each")
@pytest.mark.parametrize("what", ANSWERS)
def test_another_daemon_answers_to_a_guard(host: DeployHost, what: str) -> None:
    """Where the guard is not required, the release stays, loudly unguarded, in bounded time."""
    host.configure(f'{NO_DRAIN}\n[deploy.app.guard]\nwindow = "1s"\n')
    began = time.monotonic()
    with served(host.host.directory / "run/control.sock", ANSWERS[what]):
        ended = host.deploy(SECOND)
    assert time.monotonic() - began < 2 * LONGEST_S
    assert ended.code == 0, ended.error
    assert ended.document["guard"].startswith("UNGUARDED")
