"""Which processes belong together: the groups of ``[[metrics.process]]``. Pure."""

from __future__ import annotations

import fnmatch
import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vawsum_agent.config.model import ProcessGroup

_COMMAND_BYTES = 15
"""The kernel keeps no more of a program's name (TASK_COMM_LEN)."""
_MOST_REMEMBERED = 4096
_GLOB = re.compile(r"[*?\[]")


class Groups:
    """Finds the groups of a process by its name; a name that was met before is not matched again."""

    def __init__(self, groups: Sequence[ProcessGroup]) -> None:
        self.names = [group.name for group in groups]
        self._patterns = [(group.name, _compiled(group.commands)) for group in groups]
        self._remembered: dict[bytes, tuple[str, ...]] = {}

    def of(self, command: bytes) -> tuple[str, ...]:
        """Give the names of the groups that a process of that name belongs to."""
        names = self._remembered.get(command)
        if names is None:
            text = os.fsdecode(command)
            names = tuple(name for name, pattern in self._patterns if pattern.fullmatch(text))
            # Programs may name their threads as they like; what is remembered stays small all the same.
            if len(self._remembered) >= _MOST_REMEMBERED:
                self._remembered.clear()
            self._remembered[command] = names
        return names


def _compiled(commands: Sequence[str]) -> re.Pattern[str]:
    return re.compile("|".join(fnmatch.translate(name) for command in commands for name in _spellings(command)))


def _spellings(command: str) -> set[str]:
    """A name that is too long for the kernel is meant as the kernel cuts it."""
    if _GLOB.search(command):
        return {command}
    return {command, os.fsdecode(os.fsencode(command)[:_COMMAND_BYTES])}
