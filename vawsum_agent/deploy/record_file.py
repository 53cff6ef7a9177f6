"""Reads the file of one record, in the journal or a copy of it."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

import msgspec

from vawsum_agent.core.errors import DeployError
from vawsum_agent.deploy.record import decoded

if TYPE_CHECKING:
    from pathlib import Path

    from vawsum_agent.deploy.record import Record

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def record_in(path: Path) -> Record | None:
    """Give one record; None when there is none.

    Raises:
        DeployError: it can't be read, or makes no sense.
    """
    try:
        return decoded(content_of(path))
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise DeployError(f"{path} can't be read: {exc.strerror}") from exc
    except (msgspec.MsgspecError, UnicodeDecodeError) as exc:
        hint = "a newer agent wrote it, or somebody else: look at it, and move it away"
        raise DeployError(f"{path} is no record of a deploy", hint=hint) from exc


def content_of(path: Path) -> bytes:
    """Read a plain file: a link is not followed, and nobody waits for what a pipe may bring. Raises OSError."""
    descriptor = os.open(path, _READ)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        return file.read()
