"""What CloudWatch can't take is kept here, redacted as it was sent: JSON lines in ``state_dir/dead-letter/``.

Capped: the oldest segment goes when the limit is reached. `replay` (``logs replay``) sends it all again.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from typing import TYPE_CHECKING, TypedDict

import msgspec
import orjson

from vawsum_agent.core.durable import replace_durably, sync_directory
from vawsum_agent.core.errors import BusyError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
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


_DECODER = msgspec.json.Decoder(Letter)


class DeadLetters:
    """The folder of undeliverable events: numbered segments, of which the newest is written to.

    Processes exclude each other where it matters. What `logs replay` delivered of a segment is noted beside it
    (``.taken``) until the segment is rewritten without it.
    """

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        self._folder = folder
        self._limit_bytes = limit_bytes

    def append(self, letters: Sequence[Letter]) -> int:
        """Write events durably; returns how many bytes of older ones had to go. Raises OSError: nothing was kept."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o750)
        lines = b"".join(orjson.dumps(letter, option=orjson.OPT_APPEND_NEWLINE) for letter in letters)
        with self._locked():
            segments = self.segments()
            if not segments or segments[-1].stat().st_size >= max(self._limit_bytes // _SEGMENTS, 1):
                segments.append(self._begin(segments))
            # If we die in here the batch is still undecided: it is asked about again and this may be written twice.
            self._add(segments[-1], lines)
            return self._drop_oldest(segments)

    def count_bytes(self) -> int:
        """Sum up what is kept."""
        return sum(segment.stat().st_size for segment in self.segments())

    def segments(self) -> list[Path]:
        """List the files, oldest first. Raises OSError."""
        try:
            return sorted(path for path in self._folder.iterdir() if path.suffix == ".jsonl" and path.stem.isdigit())
        except FileNotFoundError:
            return []

    def read(self, segment: Path) -> Iterator[Letter]:
        """Read one file, each event once and without what was taken; lines that a crash cut short are passed over."""
        met = self._taken(segment)
        with segment.open("rb") as file:
            for line in file:
                letter = _letter(line)
                if letter is not None and letter["id"] not in met:
                    met.add(letter["id"])
                    yield letter

    def close_newest(self) -> list[Path]:
        """Begin a new file with the next event; returns all others, which nobody else writes to any more."""
        if not self._folder.is_dir():
            return []
        with self._locked():
            segments = self.segments()
            if segments and segments[-1].stat().st_size:
                self._begin(segments)
                return segments
            return segments[:-1]

    def take(self, segment: Path, ids: Iterable[str]) -> None:
        """Note durably that events of a closed file are delivered. Raises OSError: then they may be read again."""
        # If we die before this is on the disk, the events are still here, and sent once more by the next replay.
        with self._locked():
            self._add(_taken_of(segment), b"".join(b"%b\n" % letter_id.encode() for letter_id in ids))

    def remove_taken(self, segment: Path) -> None:
        """Rewrite a closed file without what was taken, or remove it when nothing is left. Raises OSError."""
        with self._locked():
            taken = self._taken(segment)
            # Not there: the limit was reached meanwhile and the file had to go.
            if taken and segment.exists():
                self._rewrite(segment, taken)
            # If we die before this, what is noted there is not found in the segment, which changes nothing.
            _taken_of(segment).unlink(missing_ok=True)

    def _rewrite(self, segment: Path, taken: set[str]) -> None:
        temporary = segment.with_suffix(".rewriting")
        with temporary.open("wb") as file, segment.open("rb") as lines:
            for line in lines:
                letter = _letter(line)
                if letter is not None and letter["id"] not in taken:
                    file.write(line if line.endswith(b"\n") else line + b"\n")
            is_empty = file.tell() == 0
        if is_empty:
            segment.unlink()
            temporary.unlink()
            sync_directory(self._folder)
            return
        self._give_to_owner(temporary)
        # If we die before the rename, segment and notes are whole, and the temporary is overwritten next time.
        replace_durably(temporary, segment)

    def _begin(self, segments: list[Path]) -> Path:
        segment = self._folder / f"{int(segments[-1].stem) + 1 if segments else 1:06d}.jsonl"
        segment.touch(mode=0o640)
        self._give_to_owner(segment)
        return segment

    def _add(self, path: Path, lines: bytes) -> None:
        """Append lines to a file, all of them and on the disk, or raise OSError."""
        is_new = not path.exists()
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
        with os.fdopen(descriptor, "r+b", buffering=0) as file:
            size = file.seek(0, os.SEEK_END)
            if size and os.pread(descriptor, 1, size - 1) != b"\n":
                lines = b"\n" + lines  # a crash cut the last line short; it must not take the next one with it
            try:
                _write_all(descriptor, lines)
                os.fsync(descriptor)
            except OSError:
                file.truncate(size)
                raise
        if is_new:
            self._give_to_owner(path)
        sync_directory(self._folder)

    def _give_to_owner(self, path: Path) -> None:
        """What root creates here the daemon's user must be able to write."""
        if os.geteuid() == 0:
            owner = self._folder.stat()
            os.chown(path, owner.st_uid, owner.st_gid)
            path.chmod(0o640)

    def _taken(self, segment: Path) -> set[str]:
        try:
            lines = _taken_of(segment).read_bytes().split(b"\n")
        except FileNotFoundError:
            return set()
        return {line.decode("ascii", "replace") for line in lines[:-1] if line}

    def _drop_oldest(self, segments: list[Path]) -> int:
        sizes = [segment.stat().st_size for segment in segments]
        dropped = 0
        for segment, size in zip(segments[:-1], sizes, strict=False):
            if sum(sizes) - dropped <= self._limit_bytes:
                break
            segment.unlink()
            _taken_of(segment).unlink(missing_ok=True)
            dropped += size
        return dropped

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        descriptor = self._open_lock("lock")
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    @contextlib.contextmanager
    def replaying(self) -> Iterator[None]:
        """Be the only one who takes events. Raises BusyError."""
        if not self._folder.is_dir():
            yield
            return
        descriptor = self._open_lock("replay.lock")
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(descriptor)
            message = f"another replay runs on {self._folder}"
            raise BusyError(message, hint="wait until it has ended") from error
        try:
            yield
        finally:
            os.close(descriptor)

    def _open_lock(self, name: str) -> int:
        path = self._folder / name
        is_new = not path.exists()
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        if is_new:
            self._give_to_owner(path)
        return descriptor


def _write_all(descriptor: int, lines: bytes) -> None:
    left = memoryview(lines)
    while left:
        left = left[os.write(descriptor, left) :]


def _taken_of(segment: Path) -> Path:
    return segment.with_suffix(".taken")


def _letter(line: bytes) -> Letter | None:
    """Read one line; None when it is no whole event."""
    try:
        return _DECODER.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
