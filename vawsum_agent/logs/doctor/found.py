"""The files that the sources mean right now."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vawsum_agent.logs.follow.globs import Globs
from vawsum_agent.logs.follow.names import escape_path, rotation_bases

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vawsum_agent.config.model import LogSource


@dataclass(frozen=True, slots=True)
class LogFile:
    """A live log file of a source."""

    source: LogSource
    path: str

    @property
    def where(self) -> str:
        """Its path as valid text."""
        return escape_path(self.path)


def find(source: LogSource, paths: Sequence[str] | None = None) -> list[LogFile]:
    """List the live logs of a source, or of some of its globs, sorted. Folders that can't be listed hold none."""
    globs = Globs(source.paths if paths is None else paths, source.exclude)
    found = {path for folder, pattern in globs.folders() for path in _live(globs, folder, pattern)}
    return [LogFile(source, path) for path in sorted(found)]


def _live(globs: Globs, folder: str, pattern: str) -> Iterator[str]:
    try:
        names = {entry.name for entry in Path(folder).iterdir()}
    except OSError:
        return
    taken = {name for name in names if globs.takes(pattern, folder, name)}
    for name in taken:
        path = Path(folder, name)
        is_rotated = any(base in taken for base in rotation_bases(name))
        if not is_rotated and not _is_folder(path):
            yield str(path)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False
