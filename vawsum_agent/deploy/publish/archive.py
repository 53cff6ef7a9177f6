"""A folder as an archive: the same files always give the same bytes, with one version of the libraries.

A POSIX tar (pax) in one frame of zstd. Nothing of the machine that packs gets in: names are sorted, every time is the
given one, everything belongs to 0:0 without names, modes are 0644 or 0755, and a file with two names is two files.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, cast

import zstandard

from vawsum_agent.core.errors import DeployError
from vawsum_agent.core.text import printable
from vawsum_agent.deploy.fetch.limits import LIMITS
from vawsum_agent.deploy.publish.walk import Entry, walk

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

END_BYTES = 2 * tarfile.BLOCKSIZE
"""What a tar ends with."""

_LEVEL = 3
_BLOCK_BYTES = 1 << 18
_EXECUTABLE = 0o755
_PLAIN = 0o644
_LINK = 0o777
_LATEST = 0o77777777777
"""What an octal field of tar holds; a later time would need a pax record."""

_TYPES = {"folder": tarfile.DIRTYPE, "file": tarfile.REGTYPE, "link": tarfile.SYMTYPE}


@dataclass(frozen=True, slots=True)
class Packed:
    """An archive that was written.

    Attributes:
        sha256: of it, in hex.
        content_sha256: of the tar in it: the same for the same files, whatever compresses them.
        files: regular ones.
    """

    size_bytes: int
    sha256: str
    content_sha256: str
    files: int


def pack(root: Path, out: BinaryIO, mtime: int, tar_bytes: int, on_read: Callable[[int], object]) -> Packed:
    """Write the archive of a folder. Memory holds a block of one file.

    Args:
        root: absolute and without links.
        out: takes it.
        mtime: of everything in it, in seconds since the epoch.
        tar_bytes: of the tar in it, as `survey` has found: a host reads it from the first bytes, and looks for room.
        on_read: told how many bytes of files were read so far.

    Raises:
        DeployError: something in it can't be published, or changed meanwhile.
        OSError: it can't be read or written.
    """
    hashed = _Hashed(out)
    content = hashlib.sha256()
    compressor = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True)
    compressed = compressor.stream_writer(cast("BinaryIO", hashed), size=tar_bytes, closefd=False)

    def write(block: bytes) -> None:
        content.update(block)
        compressed.write(block)

    try:
        files = _write(root, mtime, write, on_read)
        # Only now: to end a frame that is not whole would be an error of its own, in place of the one that counts.
        compressed.flush(zstandard.FLUSH_FRAME)
    except zstandard.ZstdError as exc:
        # More or less came than was announced.
        raise _changed(str(root)) from exc
    _check_ratio(tar_bytes, hashed.size_bytes)
    return Packed(hashed.size_bytes, hashed.sha256.hexdigest(), content.hexdigest(), files)


def _write(root: Path, mtime: int, write: Callable[[bytes], None], on_read: Callable[[int], object]) -> int:
    """Write the tar; returns how many files are in it."""
    files = read_bytes = 0
    for found in walk(root):
        if not isinstance(found, Entry):
            # It was all right when it was looked at.
            raise found
        write(header(found, mtime))
        if found.kind == "file":
            files += 1
            _copy(found, write)
            write(bytes(padding_bytes(found.size_bytes)))
            read_bytes += found.size_bytes
            on_read(read_bytes)
    write(bytes(END_BYTES))
    return files


def header(entry: Entry, mtime: int) -> bytes:
    """Give what stands before an entry's content (POSIX: pax, ustar)."""
    info = tarfile.TarInfo(entry.name)
    info.type = _TYPES[entry.kind]
    info.size = entry.size_bytes
    info.linkname = entry.target
    info.mtime = min(max(0, mtime), _LATEST)
    is_executable = entry.is_executable or entry.kind == "folder"
    info.mode = _LINK if entry.kind == "link" else _EXECUTABLE if is_executable else _PLAIN
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "strict")


def padding_bytes(size_bytes: int) -> int:
    """Tell how many zeros come after a file of that size."""
    return -size_bytes % tarfile.BLOCKSIZE


def _copy(entry: Entry, write: Callable[[bytes], None]) -> None:
    """Give exactly as many bytes as the header says. Raises DeployError when it is another file by now, or was."""
    # Where something else was put in its place, it is not followed, and not waited for.
    descriptor = os.open(entry.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        _check(entry, descriptor)
        left = entry.size_bytes
        while left:
            block = os.read(descriptor, min(left, _BLOCK_BYTES))
            if not block:
                break
            left -= len(block)
            write(block)
        _check(entry, descriptor)
    finally:
        os.close(descriptor)


def _check(entry: Entry, descriptor: int) -> None:
    status = os.fstat(descriptor)
    found = (status.st_dev, status.st_ino, status.st_mtime_ns), status.st_size, stat.S_ISREG(status.st_mode)
    if found != (entry.identity, entry.size_bytes, True):
        raise _changed(entry.name)


def _changed(name: str) -> DeployError:
    message = f"{printable(name)} changed while it was archived"
    return DeployError(message, hint="nothing was published; keep the folder still while it is")


def _check_ratio(tar_bytes: int, size_bytes: int) -> None:
    if tar_bytes > LIMITS.ratio_from_bytes and tar_bytes > LIMITS.ratio * size_bytes:
        message = f"the archive is more than {LIMITS.ratio} times smaller than its content, which no host would take"
        raise DeployError(message, hint="leave out the large files of which nearly all is the same")


class _Hashed:
    """Passes bytes on, counted and hashed."""

    def __init__(self, out: BinaryIO) -> None:
        self.size_bytes = 0
        self.sha256 = hashlib.sha256()
        self._out = out

    def write(self, block: bytes) -> int:
        self._out.write(block)
        self.sha256.update(block)
        self.size_bytes += len(block)
        return len(block)
