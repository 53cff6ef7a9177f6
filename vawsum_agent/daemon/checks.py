"""What ``doctor`` and ``check-config --online`` look at; each capability adds its own. Needs no running daemon."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from vawsum_agent.core.finding import Finding, Severity
from vawsum_agent.core.units import format_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from vawsum_agent.config.model import Config

_LITTLE_SPACE_BYTES = 256 << 20


def folders(config: Config) -> Iterator[Finding]:
    """Check that the daemon's own folders exist, can be written, and have room."""
    for key, name in (("state_dir", config.agent.state_dir), ("runtime_dir", config.agent.runtime_dir)):
        yield _folder(key, Path(name))
    state = Path(config.agent.state_dir)
    if state.is_dir():
        yield _space(state)


def _folder(key: str, path: Path) -> Finding:
    if not path.exists():
        parent = next(folder for folder in path.parents if folder.exists())
        if os.access(parent, os.W_OK | os.X_OK):
            return Finding(Severity.OK, f"agent.{key} does not exist yet; the daemon creates it", str(path))
        remedy = f"create {path} and give it to the user the daemon runs as"
        return Finding(
            Severity.PROBLEM, f"agent.{key} does not exist and can't be created by this user", str(path), remedy
        )
    if not path.is_dir() or not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        remedy = f"give {path} to the user the daemon runs as, or run this command as that user"
        return Finding(Severity.PROBLEM, f"agent.{key} can't be written by this user", str(path), remedy)
    return Finding(Severity.OK, f"agent.{key} can be written", str(path))


def _space(path: Path) -> Finding:
    free = shutil.disk_usage(path).free
    what = f"{format_bytes(free)} free for checkpoints and dead letters"
    if free < _LITTLE_SPACE_BYTES:
        return Finding(Severity.WARNING, what, str(path), "free some space, or move agent.state_dir to a larger disk")
    return Finding(Severity.OK, what, str(path))


CHECKS: tuple[Callable[[Config], Iterable[Finding]], ...] = (folders,)
"""What ``doctor`` runs."""

ONLINE_PROBES: tuple[Callable[[Config], Iterable[Finding]], ...] = (folders,)
"""What ``check-config --online`` runs."""
