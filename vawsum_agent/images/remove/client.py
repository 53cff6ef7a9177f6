"""`HelperRemover`: asks the owner's helper, which systemd starts when somebody connects."""

from __future__ import annotations

import errno
import socket
import time
from typing import TYPE_CHECKING

from vawsum_agent.images.remove.names import is_plain
from vawsum_agent.images.remove.protocol import MalformedError, Request, batches, decode_answer, receive, send
from vawsum_agent.images.remove.removal import Outcome, RemoverError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vawsum_agent.config.model import ImagesFolder
    from vawsum_agent.images.remove.protocol import Answer
    from vawsum_agent.images.remove.removal import Removal

SOCKETS = "/run/vawsum-agent-owner"
"""Where systemd/vawsum-agent-owner@.socket listens, as ``<user>.sock``."""
_TRIES = 2


class HelperRemover:
    """Removes by asking. A connection a request, so that the helper can end whenever nothing is asked.

    Args:
        sockets: the folder of the helpers' sockets.
        timeout_s: for a request, from connecting to its answer.
    """

    def __init__(self, sockets: str = SOCKETS, *, timeout_s: float = 10.0) -> None:
        self._sockets = sockets
        self._timeout_s = timeout_s

    def remove(self, folder: ImagesFolder, removals: Sequence[Removal]) -> list[Outcome]:
        """See `Remover.remove`."""
        # The helper would take a path that can't be as an attempt on it, and hang up.
        asked = [removal for removal in removals if is_plain(removal.path)]
        outcomes: list[Outcome] = []
        for batch in batches(asked):
            request = Request(action="remove", folder=folder.name, path=folder.path, removals=batch)
            answer = self._ask(folder.owner, request)
            if len(answer.outcomes) != len(batch):
                message = f"the helper of {folder.owner} answered for {len(answer.outcomes)} files of {len(batch)}"
                raise RemoverError(message, hint=_look_at(folder.owner))
            outcomes += answer.outcomes
        following = iter(outcomes)
        return [next(following) if is_plain(removal.path) else Outcome.REFUSED for removal in removals]

    def recover(self, folder: ImagesFolder) -> int:
        """See `Remover.recover`."""
        request = Request(action="recover", folder=folder.name, path=folder.path)
        return self._ask(folder.owner, request).put_back_count

    def expect_ready(self, folder: ImagesFolder) -> None:
        """Ask the helper to remove nothing: it answers where it would act for this folder. Raises RemoverError."""
        self._ask(folder.owner, Request(action="remove", folder=folder.name, path=folder.path))

    def close(self) -> None:
        """See `Remover.close`."""

    def _ask(self, owner: str, request: Request) -> Answer:
        """Ask; once more where the helper ended just when it was connected to. To remove again does no harm."""
        ends_at = time.monotonic() + self._timeout_s
        for _ in range(_TRIES):
            try:
                content = self._exchange(owner, request, ends_at)
                if content:
                    return _accepted(decode_answer(content))
            except MalformedError as exc:
                message = f"the helper of {owner} answered what is no answer: {exc}"
                raise RemoverError(message, hint=_look_at(owner)) from exc
            except (BrokenPipeError, ConnectionResetError):
                continue
            except OSError as exc:
                raise self._not_reached(owner, exc) from exc
        message = f"the helper of {owner} hung up without an answer"
        raise RemoverError(message, hint=_look_at(owner))

    def _exchange(self, owner: str, request: Request, ends_at: float) -> bytes:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as connection:
            connection.settimeout(max(ends_at - time.monotonic(), 0.001))
            connection.connect(self._path(owner))
            send(connection, request, ends_at)
            return receive(connection, ends_at)

    def _path(self, owner: str) -> str:
        return f"{self._sockets}/{owner}.sock"

    def _not_reached(self, owner: str, exc: OSError) -> RemoverError:
        if isinstance(exc, TimeoutError):
            message = f"the helper of {owner} did not answer within {self._timeout_s:g} s"
            return RemoverError(message, hint=_look_at(owner))
        hints = {
            errno.EACCES: f"only the service may connect to it: run this as the service's user, or as {owner}",
            errno.ENOENT: f"systemctl enable --now vawsum-agent-owner@{owner}.socket",
            errno.ECONNREFUSED: f"systemctl enable --now vawsum-agent-owner@{owner}.socket",
        }
        message = f"no helper removes files of {owner}: {self._path(owner)}: {exc.strerror or exc}"
        return RemoverError(message, hint=hints.get(exc.errno or 0, ""))


def _accepted(answer: Answer) -> Answer:
    if answer.error:
        raise RemoverError(answer.error, hint=answer.hint)
    return answer


def _look_at(owner: str) -> str:
    return f"journalctl --unit vawsum-agent-owner@{owner}"
