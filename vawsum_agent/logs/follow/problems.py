"""What keeps a source from being followed whole, said once and kept for ``status`` until it is over."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from vawsum_agent.logs.follow.names import escape_path

if TYPE_CHECKING:
    from vawsum_agent.core.clock import Clock

_log = structlog.get_logger()

_FORGOTTEN_AFTER_S = 120.0

_HINTS = {
    errno.EACCES: "let the agent's user read it, for example through the group adm",
    errno.EPERM: "let the agent's user read it, for example through the group adm",
    errno.EMFILE: "raise LimitNOFILE of the agent's service",
    errno.ENFILE: "raise fs.file-max",
    errno.ELOOP: "a symbolic link points to itself",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """Something of a source that is not followed, and what to do about it."""

    path: str
    message: str
    hint: str


class Problems:
    """The problems of one source. A problem that is not met again for two minutes is over."""

    def __init__(self, source: str, clock: Clock) -> None:
        self._source = source
        self._clock = clock
        self._met: dict[str, tuple[Problem, float]] = {}

    def note(self, path: str, message: str, hint: str = "") -> None:
        """Remember a problem; logged when it is new."""
        problem = Problem(escape_path(path), message, hint)
        known = self._met.get(path)
        self._met[path] = (problem, self._clock.monotonic())
        if known is None or known[0] != problem:
            _log.warning("log_not_followed", source=self._source, path=problem.path, reason=message, hint=hint)

    def note_error(self, path: str, error: OSError) -> None:
        """Remember that the system refused something; that a file is gone is no problem."""
        if error.errno in {errno.ENOENT, errno.ENOTDIR, errno.ESTALE}:
            return
        code = error.errno or 0
        self.note(path, error.strerror or str(error) or os.strerror(code), _HINTS.get(code, ""))

    def solved(self, path: str) -> None:
        """Forget a problem that is over."""
        self._met.pop(path, None)

    def now(self) -> list[Problem]:
        """Give those that persist."""
        since = self._clock.monotonic() - _FORGOTTEN_AFTER_S
        self._met = {path: met for path, met in self._met.items() if met[1] >= since}
        return [problem for problem, _ in self._met.values()]
