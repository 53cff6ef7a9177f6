"""The control socket, also when it is met with ill will."""

from __future__ import annotations

import contextlib
import json
import socket
import stat
import threading
from typing import TYPE_CHECKING

import pytest

from tests.unit.daemon.components import wait_until
from vawsum_agent.core.errors import AgentError, BusyError
from vawsum_agent.daemon.control import MOST_CONNECTIONS, ControlServer
from vawsum_agent.daemon.control_http import Routes
from vawsum_agent.daemon.requests import DrainReport
from vawsum_agent.daemon.supervised import DrainOutcome

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Agent:
    """What the socket speaks for."""

    def __init__(self) -> None:
        self.report = DrainReport([DrainOutcome("logs", None)])
        self.timeouts: list[float] = []

    def status(self) -> dict[str, object]:
        """A status."""
        return {"state": "running"}

    def drain(self, timeout_s: float) -> DrainReport:
        """A drain."""
        self.timeouts.append(timeout_s)
        return self.report


@pytest.fixture
def agent() -> Agent:
    """What the socket speaks for."""
    return Agent()


@pytest.fixture
def path(tmp_path: Path, agent: Agent) -> Iterator[Path]:
    """A socket that is served."""
    server = ControlServer(tmp_path / "run" / "control.sock", Routes("1.2", agent.status, agent.drain))
    server.start()
    yield tmp_path / "run" / "control.sock"
    server.close()


def send(path: Path, request: bytes) -> bytes:
    """Send bytes, read to the end."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(20)
        connection.connect(str(path))
        connection.sendall(request)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
        return answer


def ask(path: Path, line: str) -> tuple[int, dict[str, object]]:
    """Send a request line as curl does; the status code and the document."""
    head, _, body = send(path, f"{line} HTTP/1.1\r\nHost: agent\r\nAccept: */*\r\n\r\n".encode()).partition(b"\r\n\r\n")
    assert b"Content-Type: application/json" in head
    return int(head.split()[1]), json.loads(body)


def test_routes(path: Path, agent: Agent) -> None:
    """Status and version are told, a drain is passed on with its timeout."""
    assert ask(path, "GET /status") == (200, {"state": "running"})
    assert ask(path, "GET /version") == (200, {"version": "1.2"})
    assert ask(path, "POST /drain?timeout=90s") == (
        200,
        {"drained": True, "components": [{"name": "logs", "error": None}]},
    )
    ask(path, "POST /drain")
    assert agent.timeouts == [90.0, 300.0]


def test_requests(tmp_path: Path, agent: Agent) -> None:
    """What was asked of the host is told for the while that the caller names, else for the last minute."""
    server = ControlServer(
        tmp_path / "control.sock",
        Routes("1", agent.status, agent.drain, lambda from_at, until_at: {"from": from_at, "to": until_at}),
    )
    server.start()
    assert ask(tmp_path / "control.sock", "GET /requests?from=5&to=9.5") == (200, {"from": 5.0, "to": 9.5})
    assert ask(tmp_path / "control.sock", "GET /requests?to=100") == (200, {"from": 40.0, "to": 100.0})
    assert ask(tmp_path / "control.sock", "GET /requests?to=9")[1] == {"from": 0.0, "to": 9.0}
    assert ask(tmp_path / "control.sock", "GET /requests")[0] == 200
    for wrong in ("from=nan", "from=-1", "to=yesterday", "to=1e300"):
        code, document = ask(tmp_path / "control.sock", f"GET /requests?{wrong}")
        assert (code, document) == (400, {"error": f"{wrong.partition('=')[0]}: expected seconds since the epoch"})
    assert ask(tmp_path / "control.sock", "POST /requests")[0] == 405
    server.close()


def test_without_counts_there_is_nothing_to_ask(path: Path) -> None:
    """Where nothing counts, the route is not there."""
    assert ask(path, "GET /requests")[0] == 404


def test_drain_outcomes(path: Path, agent: Agent) -> None:
    """A drain that left something and one that was refused have codes of their own."""
    agent.report = DrainReport([DrainOutcome("logs", "3 batches")])
    assert ask(path, "POST /drain") == (504, {"drained": False, "components": [{"name": "logs", "error": "3 batches"}]})
    agent.report = DrainReport(is_refused=True)
    assert ask(path, "POST /drain")[0] == 409


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("GET /", 404),
        ("GET /../../etc/passwd", 404),
        ("POST /nothing", 404),
        ("POST /status", 405),
        ("GET /drain", 405),
        ("PUT /status", 501),
        ("POST /drain?timeout=soon", 400),
        ("POST /drain?timeout=2h", 400),
        ("GET /status HTTP/9.9", 400),
    ],
)
def test_what_there_is_not(path: Path, agent: Agent, line: str, code: int) -> None:
    """Anything else is refused in JSON, with a code that tells why, and does nothing."""
    status, document = ask(path, line)
    assert status == code
    assert document["error"]
    assert agent.timeouts == []


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\0\xff\r\n\r\n",
        b"\n\n",
        b"GET\r\n\r\n",
        b"GET /status HTTP/1.1\r\n" + b"X: y\r\n" * 500 + b"\r\n",
        b"GET /status HTTP/1.1\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
        b"GET /" + b"a" * 20_000,
        b"GET http://[::1/status HTTP/1.1\r\n\r\n",
        b"POST /drain?timeout=%ff HTTP/1.1\r\n\r\n",
    ],
)
def test_nonsense_costs_nobody_else(path: Path, request_bytes: bytes) -> None:
    """Whatever bytes come, the next caller is served."""
    with contextlib.suppress(ConnectionError):  # it may be cut off while it still sends
        send(path, request_bytes)
    assert ask(path, "GET /status")[0] == 200


def test_silent_callers_do_not_lock_others_out(path: Path) -> None:
    """Callers that connect and say nothing are let go; whoever waits behind them is served."""
    silent = [socket.socket(socket.AF_UNIX) for _ in range(MOST_CONNECTIONS)]
    try:
        for connection in silent:
            connection.connect(str(path))
        assert ask(path, "GET /status")[0] == 200
    finally:
        for connection in silent:
            connection.close()


def test_mode(path: Path) -> None:
    """The socket is the daemon's and its group's, nobody else's."""
    assert stat.S_IMODE(path.stat().st_mode) == 0o660


def test_another_daemon_answers(path: Path, agent: Agent) -> None:
    """A second daemon does not take the socket from one that lives."""
    with pytest.raises(BusyError):
        ControlServer(path, Routes("1", agent.status, agent.drain)).start()
    assert ask(path, "GET /status")[0] == 200


def test_stale_socket(tmp_path: Path, agent: Agent) -> None:
    """A socket that a killed daemon left behind is replaced."""
    path = tmp_path / "control.sock"
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(path))
    server = ControlServer(path, Routes("1", agent.status, agent.drain))
    server.start()
    assert ask(path, "GET /version")[0] == 200
    server.close()
    assert not path.exists()


def test_no_place_for_a_socket(tmp_path: Path, agent: Agent) -> None:
    """A path that can't be bound is one clear error."""
    too_long = tmp_path / ("x" * 100) / "control.sock"
    with pytest.raises(AgentError, match="control socket"):
        ControlServer(too_long, Routes("1", agent.status, agent.drain)).start()
    (tmp_path / "file").write_text("")
    with pytest.raises(AgentError, match="control socket"):
        ControlServer(tmp_path / "file" / "control.sock", Routes("1", agent.status, agent.drain)).start()


def test_closing_ends_the_thread(tmp_path: Path, agent: Agent) -> None:
    """A closed server leaves no thread behind."""
    server = ControlServer(tmp_path / "control.sock", Routes("1", agent.status, agent.drain))
    server.start()
    server.close()
    wait_until(lambda: not any(thread.name == "control" for thread in threading.enumerate()))
