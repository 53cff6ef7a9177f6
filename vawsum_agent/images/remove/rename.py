"""renameat2(2) with ``RENAME_NOREPLACE``, which Python does not offer: a move that takes nobody's place."""

from __future__ import annotations

import ctypes
import errno
import os
from typing import TYPE_CHECKING

from vawsum_agent.images.remove.removal import RemoverError

if TYPE_CHECKING:
    from collections.abc import Callable

_RENAME_NOREPLACE = 1  # <linux/fs.h>


def rename_new(from_folder: int, name: bytes, to_folder: int, new_name: bytes) -> None:
    """Move whatever ``name`` is, in one step; between two descriptors of folders, of one file system.

    Raises:
        FileExistsError: ``new_name`` is taken.
        RemoverError: this file system, or C library, can't do it.
        OSError: as rename(2).
    """
    if _renameat2(from_folder, name, to_folder, new_name, _RENAME_NOREPLACE) == 0:
        return
    code = ctypes.get_errno()
    if code in {errno.EINVAL, errno.ENOSYS}:
        message = "this file system can't rename without replacing (renameat2, RENAME_NOREPLACE)"
        raise RemoverError(message, hint="ext4, XFS, btrfs and tmpfs can; set delete_local = false for others")
    raise OSError(code, os.strerror(code), name)


def _missing(*_arguments: object) -> int:
    ctypes.set_errno(errno.ENOSYS)
    return -1


def _of_libc() -> Callable[[int, bytes, int, bytes, int], int]:
    """The function of glibc, which has it since 2.28."""
    found = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if found is None:
        return _missing
    found.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint)
    renameat2: Callable[[int, bytes, int, bytes, int], int] = found
    return renameat2


_renameat2 = _of_libc()
