"""What CloudWatch can't take is kept here, redacted as it was sent: JSON lines in ``state_dir/dead-letter/``.

Capped: the oldest segment goes when the limit is reached. `replay` (``logs replay``) sends it all again.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from typing import TYPE_CHECKING, TypedDict

import orjson

from vawsum_agent.core.durable import sync_directory

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_SEGMENTS = 8


class Letter(TypedDict):
    """One undeliverable event.

    ``timestamp`` is in milliseconds; ``reason`` is one of too_old, expired, too_new, refused; ``id`` tells the same
    event, written twice by a crash, from two alike.
    """

    id: str
    log_group: str
    log_stream: str
    timestamp: int
    message: str
    reason: str
    source: str
    path: str
    at: str


class DeadLetters:
    """The folder of undeliverable events. Appending and taking exclude each other across processes."""

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        self.folder = folder
        self._segment_bytes = max(limit_bytes // _SEGMENTS, 1)

    def append(self, letters: Sequence[Letter]) -> int:
        """Write events durably; returns how many bytes of older ones had to go. Raises OSError: nothing was kept."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o750)
        lines = b"".join(orjson.dumps(letter, option=orjson.OPT_APPEND_NEWLINE) for letter in letters)
        with self._locked():
            segments = self._segments()
            if not segments or segments[-1].stat().st_size >= self._segment_bytes:
                number = int(segments[-1].stem) + 1 if segments else 1
                segments.append(self.folder / f"{number:06d}.jsonl")
            descriptor = os.open(segments[-1], os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
            with os.fdopen(descriptor, "ab") as file:
                file.write(lines)
                file.flush()
                os.fsync(file.fileno())
            # If we die here the batch is still undecided: it is asked about again and this may be written twice.
            sync_directory(self.folder)
            return self._drop_oldest(segments)

    def count_bytes(self) -> int:
        """Sum up what is kept."""
        return sum(segment.stat().st_size for segment in self._segments())

    def segments(self) -> list[Path]:
        """List the files, oldest first."""
        return self._segments()

    def read(self, segment: Path) -> Iterator[Letter]:
        """Read one file, each event once; lines that a crash cut short are passed over."""
        met: set[str] = set()
        with segment.open("rb") as file:
            for line in file:
                try:
                    letter: Letter = orjson.loads(line)
                    known = letter["id"] in met
                    met.add(letter["id"])
                except (ValueError, KeyError, TypeError):
                    continue
                if not known:
                    yield letter

    def close_newest(self) -> None:
        """Begin a new file with the next event, so that all files of now can be replayed while the daemon writes."""
        with self._locked():
            segments = self._segments()
            if segments:
                following = self.folder / f"{int(segments[-1].stem) + 1:06d}.jsonl"
                following.touch(mode=0o640)

    def _drop_oldest(self, segments: list[Path]) -> int:
        dropped = 0
        while len(segments) > _SEGMENTS:
            oldest = segments.pop(0)
            dropped += oldest.stat().st_size
            oldest.unlink()
        return dropped

    def _segments(self) -> list[Path]:
        return sorted(path for path in self.folder.glob("*.jsonl") if path.stem.isdigit())

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        descriptor = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)
