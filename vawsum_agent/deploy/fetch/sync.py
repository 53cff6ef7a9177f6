"""syncfs(2), which Python does not offer: all that was written to one file system survives a power cut.

Once for a whole release: fsync(2) of each file is a commit of the file system's journal each, and takes as long for
some thousand files as a deploy may.
"""

from __future__ import annotations

import ctypes
import os


def sync_file_system(descriptor: int) -> None:
    """Wait until what was written is on the disk. Raises OSError: it is not (since Linux 5.8 that is told).

    Args:
        descriptor: of anything on that file system.
    """
    syncfs = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
    if syncfs is None:
        os.sync()
        return
    if syncfs(ctypes.c_int(descriptor)) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
