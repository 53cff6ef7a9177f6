"""The helper's socket: handed over by systemd (sd_listen_fds(3)), or made by hand; and the end when nobody asks."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import time
from typing import TYPE_CHECKING

import structlog

from vawsum_agent.core.errors import AgentError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

_log = structlog.get_logger()

_FIRST_DESCRIPTOR = 3  # SD_LISTEN_FDS_START
_BACKLOG = 16
_PAUSE_S = 1.0


def inherited(environ: Mapping[str, str], pid: int) -> socket.socket | None:
    """Take the listening socket that systemd handed over; None when it handed over none.

    Raises:
        AgentError: it handed over something else.
    """
    if environ.get("LISTEN_PID") != str(pid) or environ.get("LISTEN_FDS") in (None, "0"):
        return None
    listener = None
    if environ["LISTEN_FDS"] == "1":
        with contextlib.suppress(OSError):
            listener = socket.socket(fileno=_FIRST_DESCRIPTOR)
    if listener is None or listener.family != socket.AF_UNIX or listener.type != socket.SOCK_STREAM:
        message = "what was handed over is not one Unix stream socket"
        raise AgentError(message, hint="start it through vawsum-agent-owner@USER.socket")
    listener.set_inheritable(False)
    return listener


def bound(path: Path) -> socket.socket:
    """Make a socket for this user alone, in place of what an earlier one left.

    Raises:
        AgentError: it can't be made.
    """
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    umask = os.umask(0o177)
    try:
        path.unlink(missing_ok=True)
        listener.bind(str(path))
        listener.listen(_BACKLOG)
    except OSError as exc:
        listener.close()
        message = f"can't make the socket {path}: {exc.strerror or exc}"
        raise AgentError(message, hint="check its folder, and that the path is short") from exc
    finally:
        os.umask(umask)
    return listener


def serve_until_idle(listener: socket.socket, serve: Callable[[socket.socket], None], *, idle_exit_s: float) -> None:
    """Serve one connection after the other; return when none came for ``idle_exit_s`` seconds."""
    listener.settimeout(idle_exit_s)
    while True:
        try:
            connection, _ = listener.accept()
        except TimeoutError:
            return
        except OSError as exc:
            _log.warning("removal_accept_failed", error=exc.strerror)
            if exc.errno not in (errno.ECONNABORTED, errno.EINTR):
                time.sleep(_PAUSE_S)
            continue
        with connection:
            serve(connection)
