"""Asks the running daemon, over its control socket."""

from __future__ import annotations

import http.client
import socket
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

import orjson

from vawsum_agent.core.errors import AgentError, BusyError, NotRunningError

if TYPE_CHECKING:
    from pathlib import Path

_TIMEOUT_S = 10.0
_DRAIN_MARGIN_S = 60.0


@dataclass(frozen=True, slots=True)
class Answer:
    """A status code and the JSON document that came with it."""

    code: int
    document: dict[str, object]


class ControlClient:
    """One request a connection."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def status(self) -> dict[str, object]:
        """The document of ``status --json``.

        Raises:
            NotRunningError: nobody answers.
            AgentError: we may not open the socket, or the answer is no status.
        """
        answer = self._ask("GET", "/status", _TIMEOUT_S)
        if answer.code != HTTPStatus.OK:
            raise AgentError(f"the daemon answered {answer.code}: {answer.document.get('error')}")
        return answer.document

    def drain(self, timeout_s: float) -> Answer:
        """Have the daemon flush everything; returns when it is over.

        Raises:
            BusyError: the daemon starts, drains, reloads or stops just now.
            NotRunningError: nobody answers.
        """
        answer = self._ask("POST", f"/drain?timeout={timeout_s:.3f}s", timeout_s + _DRAIN_MARGIN_S)
        if answer.code == HTTPStatus.CONFLICT:
            raise BusyError(f"the daemon refused: {answer.document.get('error')}", hint="try again in a moment")
        if "drained" not in answer.document:
            raise AgentError(f"the daemon answered {answer.code}: {answer.document.get('error')}")
        return answer

    def _ask(self, method: str, target: str, timeout_s: float) -> Answer:
        connection = _Connection(self._path, timeout_s)
        try:
            connection.request(method, target)
            response = connection.getresponse()
            document = orjson.loads(response.read())
        except PermissionError as error:
            message = f"not allowed to open the control socket {self._path}"
            raise AgentError(message, hint="run this as root or as a member of the daemon's group") from error
        except TimeoutError as error:
            message = f"the daemon on {self._path} does not answer within {timeout_s:.0f}s"
            raise NotRunningError(message, hint="look at its log: journalctl -u vawsum-agent") from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            message = f"no daemon answers on {self._path}"
            raise NotRunningError(message, hint="start it: systemctl start vawsum-agent") from error
        finally:
            connection.close()
        return Answer(response.status, document if isinstance(document, dict) else {})


class _Connection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path, timeout_s: float) -> None:
        super().__init__("agent", timeout=timeout_s)
        self._path = path
        self._timeout_s = timeout_s

    def connect(self) -> None:
        """Open the socket."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        self.sock.settimeout(self._timeout_s)
        self.sock.connect(str(self._path))
