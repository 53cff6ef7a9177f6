"""The control socket: HTTP with JSON over a Unix socket, for the command line and for ``curl --unix-socket``.

Whoever may open the socket (its mode is 0660) may ask; what they send is bounded in size, time and number, and a
request that makes no sense costs its sender an answer and nobody else anything.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import threading
from typing import TYPE_CHECKING

import structlog

from vawsum_agent.core.errors import AgentError, BusyError
from vawsum_agent.daemon.containment import contained
from vawsum_agent.daemon.control_http import answer
from vawsum_agent.daemon.probe import is_answering

if TYPE_CHECKING:
    from pathlib import Path

    from vawsum_agent.daemon.control_http import Routes

_log = structlog.get_logger()

MOST_CONNECTIONS = 16
_BACKLOG = 16
_PAUSE_S = 1.0


class ControlServer:
    """Listens on ``control.sock``; a thread a connection, `MOST_CONNECTIONS` at a time."""

    def __init__(self, path: Path, routes: Routes) -> None:
        self._path = path
        self._routes = routes
        self._slots = threading.BoundedSemaphore(MOST_CONNECTIONS)
        self._listener: socket.socket | None = None
        self._is_closed = False

    def start(self) -> None:
        """Bind and answer.

        Raises:
            BusyError: another daemon answers on the socket.
            AgentError: the socket can't be made.
        """
        if is_answering(self._path):
            message = f"another daemon answers on {self._path}"
            raise BusyError(message, hint="stop it first, or give this one a runtime_dir of its own")
        try:
            self._listener = _bind(self._path)
        except OSError as error:
            message = f"can't make the control socket {self._path}: {error.strerror or error}"
            raise AgentError(message, hint="check agent.runtime_dir: its owner, and that it is short") from error
        threading.Thread(target=self._accept, args=(self._listener,), name="control", daemon=True).start()

    def close(self) -> None:
        """Stop listening and remove the socket. Idempotent."""
        self._is_closed = True
        if self._listener is not None:
            with contextlib.suppress(OSError):
                self._path.unlink()
            # Wakes the accepting thread, which a mere close would leave waiting.
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None

    def _accept(self, listener: socket.socket) -> None:
        while not self._is_closed:
            self._slots.acquire()  # further callers wait in the backlog
            try:
                connection, _ = listener.accept()
            except OSError as error:
                self._slots.release()
                if not self._is_closed:
                    _log.warning("control_accept_failed", error=error.strerror)
                    self._rest(error)
                continue
            threading.Thread(target=self._serve, args=(connection,), name="control-answer", daemon=True).start()

    def _rest(self, error: OSError) -> None:
        """Wait a little where trying at once would spin, as when descriptors have run out."""
        if error.errno not in (errno.ECONNABORTED, errno.EINTR):
            threading.Event().wait(_PAUSE_S)

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection, contextlib.suppress(AgentError):  # `contained` has logged it
                contained("control", lambda: answer(connection, self._routes))
        finally:
            self._slots.release()


def _bind(path: Path) -> socket.socket:
    """Bind under a name of our own, narrow the mode, then take the place of a stale socket in one step."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    with contextlib.suppress(FileNotFoundError):
        temporary.unlink()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        listener.bind(str(temporary))
        temporary.chmod(0o660)
        listener.listen(_BACKLOG)
        temporary.rename(path)
    except BaseException:
        listener.close()
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    return listener
