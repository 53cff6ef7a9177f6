"""The option file of the server that is written to, kept readable for a process that gives root's rights up.

A production restore names a file that only root can read, while its journal belongs to the daemon's user. Its content
goes into memory that has no name, which clients inherit; nothing is written to a disk, no argument and no environment.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vawsum_agent.mysql.option_file import read_option_file

if TYPE_CHECKING:
    from collections.abc import Iterator

_MODE = 0o600


@dataclass(frozen=True, slots=True)
class OptionFile:
    """One that was looked at while everything could be read.

    Attributes:
        path: as it was given.
        content: of it; None where nobody but root reads anything else than root does.
    """

    path: str
    content: bytes | None

    @contextmanager
    def readable(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Give a path that this process and its children can read, and the descriptors that they need for it."""
        if self.content is None or os.geteuid() == 0:
            yield self.path, ()
            return
        descriptor = os.memfd_create("option-file", os.MFD_CLOEXEC)
        try:
            os.fchmod(descriptor, _MODE)
            os.write(descriptor, self.content)
            yield f"/proc/self/fd/{descriptor}", (descriptor,)
        finally:
            os.close(descriptor)


def look_at(path: str) -> OptionFile:
    """Read an option file before rights are given up.

    Raises:
        AgentError: it can't be used; the hint says what to do.
    """
    read_option_file(path)
    if os.geteuid() != 0:
        return OptionFile(path, None)
    with open(path, "rb") as file:  # noqa: PTH123 - a path of others, given as text
        return OptionFile(path, file.read())
