"""The owner's helper: answers one request a connection, from the few who may ask.

What they send is bounded in size and time. What makes no sense is worth a line in the log and the end of its
connection; it never ends the helper.
"""

from __future__ import annotations

import socket
import struct
import time
from collections import Counter
from typing import TYPE_CHECKING

import structlog

from vawsum_agent.images.remove.protocol import Answer, MalformedError, decode_request, receive, send
from vawsum_agent.images.remove.removal import RemoverError

if TYPE_CHECKING:
    from vawsum_agent.images.remove.folders import OwnFolders
    from vawsum_agent.images.remove.protocol import Request
    from vawsum_agent.images.remove.removal import Remover

_log = structlog.get_logger()

_CREDENTIALS = struct.Struct("3i")  # struct ucred: pid, uid, gid


class Helper:
    """Does what is asked below its user's folders.

    Args:
        folders: where it may act.
        remover: what does it.
        peers: the user ids that may ask.
        timeout_s: how long a peer may take to say what it wants, and to take the answer.
    """

    def __init__(self, folders: OwnFolders, remover: Remover, peers: frozenset[int], *, timeout_s: float = 5.0) -> None:
        self._folders = folders
        self._remover = remover
        self._peers = peers
        self._timeout_s = timeout_s

    def serve(self, connection: socket.socket) -> None:
        """Answer one request; whatever goes wrong with the connection ends it alone."""
        uid = _peer(connection)
        if uid not in self._peers:
            _log.warning("removal_peer_refused", uid=uid)
            return
        try:
            content = receive(connection, time.monotonic() + self._timeout_s)
            if content:
                answer = self._answer(decode_request(content))
                send(connection, answer, time.monotonic() + self._timeout_s)
        except MalformedError as exc:
            _log.warning("removal_request_refused", uid=uid, error=str(exc))
        except OSError as exc:
            _log.warning("removal_request_refused", uid=uid, error=str(exc.strerror or exc))

    def _answer(self, request: Request) -> Answer:
        try:
            folder = self._folders.find(request.folder, request.path)
            if request.action == "recover":
                answer = Answer(put_back_count=self._remover.recover(folder))
            else:
                answer = Answer(outcomes=self._remover.remove(folder, request.removals))
        except RemoverError as exc:
            return Answer(error=exc.message, hint=exc.hint)
        counts = {str(outcome): count for outcome, count in Counter(answer.outcomes).items()}
        _log.info("removals_done", folder=folder.name, put_back=answer.put_back_count, **counts)
        return answer


def _peer(connection: socket.socket) -> int:
    """The user at the other end, as the kernel knows it (unix(7))."""
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    uid: int = _CREDENTIALS.unpack(credentials)[1]
    return uid
