"""Which folders the daemon sees: what systemd hides from it, root does not miss. Decides nothing."""

from __future__ import annotations

import os
from enum import Enum
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from vawsum_agent.images.doctor.confinement import Confinement, unit_text
from vawsum_agent.images.units import DAEMON, is_below

if TYPE_CHECKING:
    from collections.abc import Callable


class Sight(Enum):
    """How a folder that is there looks to the daemon.

    Attributes:
        SEEN: as to us, as far as can be told.
        HIDDEN: it sees nothing there, or something else, since its unit hides it.
        STALE: it sees the folder that had this name when it started.
    """

    SEEN = "seen"
    HIDDEN = "hidden"
    STALE = "stale"


class View:
    """Looks through the running daemon's own root; where none runs, at what its unit would hide.

    Args:
        daemon_pid: of the running daemon, if it runs.
        unit_text: reads a unit with its drop-ins.
        proc: where procfs is mounted.
    """

    def __init__(
        self, daemon_pid: int | None, unit_text: Callable[[str], str] = unit_text, proc: Path = Path("/proc")
    ) -> None:
        self._root = None if daemon_pid is None else proc / str(daemon_pid) / "root"
        self._unit_text = unit_text

    def sight_of(self, path: str) -> Sight:
        """Tell how a folder looks to the daemon."""
        if self._root is None:
            return Sight.HIDDEN if self._confinement.hides(path) else Sight.SEEN
        if not os.access(self._root, os.R_OK | os.X_OK):
            return Sight.SEEN
        ours, theirs = _identity(Path(path)), _identity(self._root / path.lstrip("/"))
        if ours is None or ours == theirs:
            return Sight.SEEN
        is_stale = theirs is not None and is_below(path, self._confinement.opened)
        return Sight.STALE if is_stale else Sight.HIDDEN

    @cached_property
    def _confinement(self) -> Confinement:
        return Confinement.of(self._unit_text(DAEMON))


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
