"""Reads ``/proc/PID/stat`` of every process, and keeps the files open between looks: opening takes half the time.

A file that was opened belongs to its process for ever: once that has ended it can't be read, whoever has the id then.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from vawsum_agent.metrics.host.process_stat import MOST_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

INIT = "1"
_GONE = (FileNotFoundError, ProcessLookupError, PermissionError)


class ProcessFiles:
    """The files of all processes. One thread at a time.

    Args:
        proc: where procfs is mounted.
        most_open: how many stay open; of further processes they are opened with each look. Each holds some 5 KB of
            the kernel's memory.
    """

    def __init__(self, proc: Path, most_open: int) -> None:
        self._proc = proc
        self._most_open = most_open
        self._open: dict[str, int] = {}

    def read(self) -> Iterator[tuple[str, bytes]]:
        """Give the id of each process there is and what its file says; those that end meanwhile are not among them.

        Raises OSError when procfs can't be read.
        """
        # Names relative to the folder, and no Path objects: at a thousand processes that is half the time.
        folder = os.open(self._proc, os.O_RDONLY | os.O_DIRECTORY)
        try:
            names = [name for name in os.listdir(folder) if name.isdigit()]  # noqa: PTH208 - as above
            self._close(self._open.keys() - set(names))
            for name in names:
                if data := self._read(folder, name):
                    yield name, data
        finally:
            os.close(folder)

    def close(self) -> None:
        """Close all that stayed open; the next look opens them anew. Never raises."""
        self._close(set(self._open))

    def _read(self, folder: int, name: str) -> bytes:
        kept = self._open.get(name)
        if kept is not None:
            try:
                return os.pread(kept, MOST_BYTES, 0)
            except ProcessLookupError:
                # It ended. Perhaps another one has its id by now.
                self._close({name})
        try:
            file = os.open(f"{name}/stat", os.O_RDONLY, dir_fd=folder)
        except _GONE:
            return b""
        is_kept = False
        try:
            data = os.read(file, MOST_BYTES)
            is_kept = self._is_worth_keeping(name)
        except ProcessLookupError:
            return b""
        finally:
            if not is_kept:
                os.close(file)
        if is_kept:
            self._open[name] = file
        return data

    def _is_worth_keeping(self, name: str) -> bool:
        # Whether init can be opened tells whether processes are hidden (hidepid=): an open file would not show it.
        return name != INIT and len(self._open) < self._most_open

    def _close(self, names: set[str]) -> None:
        for name in names:
            os.close(self._open.pop(name))
