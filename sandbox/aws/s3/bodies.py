"""Where bodies lie: one file on disk that has no name, so that it is gone with us whatever ends us.

Nothing is given back before all is: what was deleted or aborted keeps its room until `clear`.
"""

from __future__ import annotations

import os
import tempfile
import threading
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BLOCK_BYTES = 1_048_576


@dataclass(frozen=True, slots=True)
class Span:
    """A run of bytes in a file. It holds the file open, so that readers outlive `clear`."""

    file: IO[bytes]
    offset: int
    size_bytes: int

    def write(self, at: int, data: bytes) -> None:
        """Put `data` in place, `at` bytes from the span's beginning."""
        left = memoryview(data)
        while left:
            done = os.pwrite(self.file.fileno(), left, self.offset + at)
            at, left = at + done, left[done:]


@dataclass(frozen=True, slots=True)
class Content:
    """A body: its spans, one after the other."""

    spans: tuple[Span, ...] = ()

    @property
    def size_bytes(self) -> int:
        """Its length."""
        return sum(span.size_bytes for span in self.spans)

    def part(self, start: int, size_bytes: int) -> Content:
        """Return a run of it."""
        found, end = [], start + size_bytes
        for span in self.spans:
            first, last = max(start, 0), min(end, span.size_bytes)
            if first < last:
                found.append(Span(span.file, span.offset + first, last - first))
            start, end = start - span.size_bytes, end - span.size_bytes
        return Content(tuple(found))

    def blocks(self, block_bytes: int = BLOCK_BYTES) -> Iterator[bytes]:
        """Yield its bytes."""
        for span in self.spans:
            for at in range(0, span.size_bytes, block_bytes):
                yield os.pread(span.file.fileno(), min(block_bytes, span.size_bytes - at), span.offset + at)


class Bodies:
    """Gives out room for bodies. Threads may call it at once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self.clear()

    def clear(self) -> None:
        """Begin with an empty file; the old one goes when nobody reads it any more."""
        with self._lock:
            self._file: IO[bytes] = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 - closed by its last span
            self._end = 0

    def reserve(self, size_bytes: int) -> Span:
        """Return room for a body."""
        with self._lock:
            span = Span(self._file, self._end, size_bytes)
            self._end += size_bytes
            return span
