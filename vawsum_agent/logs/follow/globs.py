"""Which paths a source's globs mean: the folders to look into and the names to take there."""

from __future__ import annotations

import fnmatch
import glob
import os
import re
from typing import TYPE_CHECKING

from vawsum_agent.logs.follow.names import is_compressed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class Globs:
    """``paths`` minus ``exclude``. As in a shell, ``*`` leaves out hidden names; ``**`` goes through sub-folders.

    An exclusion with a slash is compared with the whole path, one without with the name alone. Compressed files are
    never meant: they are no live logs.
    """

    def __init__(self, paths: Sequence[str], exclude: Sequence[str]) -> None:
        self._folders: dict[str, list[re.Pattern[str]]] = {}
        for path in paths:
            folder, name = os.path.split(os.path.abspath(path))
            if name == "**":
                folder, name = f"{folder}/**", "*"
            pattern = "(?!\\.)" + fnmatch.translate(name) if name[0] in "*?[" else fnmatch.translate(name)
            self._folders.setdefault(folder, []).append(re.compile(pattern))
        self._excluded_paths = [re.compile(fnmatch.translate(path)) for path in exclude if "/" in path]
        self._excluded_names = [re.compile(fnmatch.translate(name)) for name in exclude if "/" not in name]
        self._verdicts: dict[tuple[str, str], bool] = {}

    def folders(self) -> Iterator[tuple[str, str]]:
        """Give each existing folder that is meant, beside the pattern of the folder that means it."""
        for pattern in self._folders:
            if glob.has_magic(pattern):
                for folder in glob.iglob(pattern, recursive=True):
                    if os.path.isdir(folder):
                        yield folder.rstrip("/") or "/", pattern
            else:
                yield pattern, pattern

    def takes(self, pattern: str, folder: str, name: str) -> bool:
        """Whether a name in a folder given by `folders` is meant."""
        verdict = self._verdicts.get((pattern, name))
        if verdict is None:
            if len(self._verdicts) > 1 << 13:
                self._verdicts.clear()
            verdict = self._verdicts[pattern, name] = (
                not is_compressed(name)
                and any(taken.match(name) for taken in self._folders[pattern])
                and not any(excluded.match(name) for excluded in self._excluded_names)
            )
        return verdict and not self._excludes(folder, name)

    def _excludes(self, folder: str, name: str) -> bool:
        return any(excluded.match(os.path.join(folder, name)) for excluded in self._excluded_paths)

    def match(self, path: str) -> bool:
        """Whether a path is meant, be there a file or not."""
        folder, name = os.path.split(path)
        return any(self.takes(pattern, folder, name) for pattern in self._folders if _is_folder_of(pattern, folder))


def _is_folder_of(pattern: str, folder: str) -> bool:
    """Compare a folder with a folder pattern as glob does: component by component, ``**`` for any number of them."""
    return _fit(pattern.split("/"), folder.split("/"))


def _fit(patterns: list[str], parts: list[str]) -> bool:
    if not patterns:
        return not parts
    if patterns[0] == "**":
        return any(_fit(patterns[1:], parts[at:]) for at in range(len(parts) + 1))
    return bool(parts) and fnmatch.fnmatchcase(parts[0], patterns[0]) and _fit(patterns[1:], parts[1:])
