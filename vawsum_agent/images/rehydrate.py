"""Bringing images back from the bucket: whole, verified, and never over what is there.

A crash leaves nothing behind: a file has no name until all of it is on the disk and its checksum holds.
"""

from __future__ import annotations

import errno
import hashlib
import os
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from vawsum_agent.core.errors import AgentError, NotFound
from vawsum_agent.images.beneath import QUARANTINE, made_parent_of, open_root
from vawsum_agent.images.inspect.names import refuse_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vawsum_agent.config.model import ImagesFolder

_NAMELESS = os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC
_FILE_MODE = 0o644
_LEFT_FREE_BYTES = 64 << 20
"""Bringing back must not be what fills the disk."""


class Head(Protocol):
    """What the bucket says of an object."""

    @property
    def size_bytes(self) -> int: ...  # noqa: D102
    @property
    def sha256(self) -> str: ...  # noqa: D102


class Listed(Protocol):
    """A row of a bucket's listing."""

    @property
    def key(self) -> str: ...  # noqa: D102
    @property
    def size_bytes(self) -> int: ...  # noqa: D102


class Bucket(Protocol):
    """What is asked of the bucket; `aws.objects.ObjectStore` is one."""

    def head(self, key: str) -> Head | None: ...  # noqa: D102
    def get(self, key: str, *, into: Callable[[bytes], object]) -> Head: ...  # noqa: D102
    def listing(self, prefix: str) -> Iterator[Listed]: ...  # noqa: D102


class RehydrateError(AgentError):
    """One image could not be brought back; nothing of it is here."""


class Outcome(StrEnum):
    """What became of one image.

    Attributes:
        BROUGHT_BACK: it is here again.
        ALREADY_HERE: something of that name is here, and was left as it is.
    """

    BROUGHT_BACK = "brought-back"
    ALREADY_HERE = "already-here"


def objects_of(folder: ImagesFolder, bucket: Bucket, path: str) -> list[tuple[str, int]]:
    """Find what a path below a folder stands for in the bucket: one image, or all that lie below it.

    Args:
        folder: which one.
        bucket: its bucket.
        path: relative to the folder, empty for all of it.

    Returns:
        Paths relative to the folder, and their sizes; keys that can be no path of ours are left out.

    Raises:
        AwsError: the bucket could not be asked.
    """
    if path:
        if not _is_path(folder, path):
            return []
        head = bucket.head(folder.prefix + path)
        if head is not None:
            return [(path, head.size_bytes)]
        path += "/"
    rows = bucket.listing(folder.prefix + path)
    found = ((row.key.removeprefix(folder.prefix), row.size_bytes) for row in rows)
    return [(relative, size_bytes) for relative, size_bytes in found if _is_path(folder, relative)]


def bring_back(folder: ImagesFolder, bucket: Bucket, path: str) -> Outcome:
    """Bring one image back.

    Args:
        folder: where to.
        bucket: where from.
        path: relative to the folder.

    Raises:
        RehydrateError: it is not there, not whole, or there is no room for it.
        FolderError: the folder can't be opened.
        AwsError: the bucket could not be asked; trying again may help.
    """
    root = open_root(folder.path)
    try:
        with made_parent_of(root, os.fsencode(path)) as (parent, name):
            if _exists(parent, name):
                return Outcome.ALREADY_HERE
            return _fetch(folder, bucket, path, parent, name)
    except OSError as exc:
        raise _failed(folder, path, exc) from exc
    finally:
        os.close(root)


def _fetch(folder: ImagesFolder, bucket: Bucket, path: str, parent: int, name: bytes) -> Outcome:
    descriptor = os.open(".", _NAMELESS, _FILE_MODE, dir_fd=parent)
    try:
        digest = hashlib.sha256()
        room = _Room(descriptor)

        def take(block: bytes) -> None:
            room.take(len(block))
            digest.update(block)
            _write(descriptor, block)

        try:
            head = bucket.get(folder.prefix + path, into=take)
        except NotFound as exc:
            message = f"s3://{folder.bucket}/{folder.prefix}{path} does not exist"
            raise RehydrateError(message, hint="`vawsum-agent images plan` tells what is here") from exc
        _verify(folder, path, head, digest.hexdigest())
        os.fchmod(descriptor, _FILE_MODE)
        os.fsync(descriptor)
        # If we die before it has a name, the kernel throws it away.
        try:
            os.link(f"/proc/self/fd/{descriptor}", name, dst_dir_fd=parent, follow_symlinks=True)
        except FileExistsError:
            return Outcome.ALREADY_HERE
        os.fsync(parent)
        return Outcome.BROUGHT_BACK
    finally:
        os.close(descriptor)


def _verify(folder: ImagesFolder, path: str, head: Head, sha256: str) -> None:
    where = f"s3://{folder.bucket}/{folder.prefix}{path}"
    if not head.sha256:
        message = f"{where} bears no vawsum-sha256: it was not put there by vawsum-agent"
        raise RehydrateError(message, hint="fetch it with `aws s3 cp`, and look at it")
    if head.sha256 != sha256:
        message = f"{where} is not what was put there: its SHA-256 is {sha256}, its metadata say {head.sha256}"
        raise RehydrateError(message, hint="look at its older versions: aws s3api list-object-versions")


class _Room:
    """Sees to it that the disk is not filled."""

    def __init__(self, descriptor: int) -> None:
        found = os.fstatvfs(descriptor)
        self._left_bytes = found.f_bavail * found.f_frsize - _LEFT_FREE_BYTES

    def take(self, count: int) -> None:
        """Use some. Raises OSError, ENOSPC."""
        self._left_bytes -= count
        if self._left_bytes < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _exists(parent: int, name: bytes) -> bool:
    try:
        os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _write(descriptor: int, block: bytes) -> None:
    view = memoryview(block)
    while view:
        view = view[os.write(descriptor, view) :]


def _is_path(folder: ImagesFolder, path: str) -> bool:
    """Whether a key, which others may have written, can be one of our files."""
    parts = path.split("/")
    is_plain = not {"", ".", ".."} & set(parts) and os.fsencode(parts[0]) != QUARANTINE
    return is_plain and refuse_name(len(folder.prefix.encode()), os.fsencode(path)) is None


def _failed(folder: ImagesFolder, path: str, exc: OSError) -> RehydrateError:
    hints = {
        errno.ENOSPC: "make room first: some space is left free",
        errno.EACCES: f"run it as root, or as {folder.owner}",
        errno.EOPNOTSUPP: "the file system has no nameless files (O_TMPFILE)",
        errno.ELOOP: "a link is in the way; nothing is written through it",
        errno.ENOTDIR: "something that is no folder is in the way",
    }
    return RehydrateError(f"{folder.path}/{path}: {exc.strerror}", hint=hints.get(exc.errno or 0, ""))
