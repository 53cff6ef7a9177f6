"""Opening a file to be moved: all that was found is asked again of the open descriptor, and its content looked at."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vawsum_agent.images.beneath import open_file, parent_of
from vawsum_agent.images.fingerprint import Fingerprint
from vawsum_agent.images.inspect.content import HEAD_BYTES, CodeSearch, content_type
from vawsum_agent.images.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vawsum_agent.images.inspect.rules import Rules

_KINDS = {errno.ELOOP: Reason.SYMLINK, errno.ENOTDIR: Reason.SYMLINK, errno.ENXIO: Reason.NOT_A_FILE}
"""What opening fails with where it meets a link on the way, or a socket."""

_SCRIPT_BYTES = 1 << 16


class Refused(Exception):
    """The file stays where it is. ``fingerprint`` tells which one was looked at; None where it could not be opened."""

    def __init__(self, reason: Reason, fingerprint: Fingerprint | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.fingerprint = fingerprint


class NotNow(Exception):
    """The file is gone, or was touched again: the next scan tells what it is then."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A file that may move, open.

    Attributes:
        descriptor: to read from; closed by whoever opened the picture.
        content_type: by its content.
    """

    path: bytes
    descriptor: int
    fingerprint: Fingerprint
    content_type: str

    def look_for_code(self) -> Looking:
        """Give what the blocks that are read have to pass."""
        return Looking(self.fingerprint)

    def is_unchanged(self) -> bool:
        """Whether the open file is as it was when it was opened."""
        return Fingerprint.of(os.fstat(self.descriptor)) == self.fingerprint


class Looking:
    """Raises `Refused` at the block in which PHP code is found."""

    def __init__(self, fingerprint: Fingerprint) -> None:
        self._fingerprint = fingerprint
        self._search = CodeSearch()

    def __call__(self, block: bytes) -> None:
        """Look at the next block."""
        self._search.look(block)
        if self._search.has_found:
            raise Refused(Reason.PHP_CODE, self._fingerprint)


@contextmanager
def opened(root: int, path: bytes, rules: Rules, now_ns: int) -> Iterator[Picture]:
    """Open a file below ``root`` and judge it.

    Args:
        root: a descriptor of the folder.
        path: relative to it.
        rules: of the folder.
        now_ns: wall time, nanoseconds since the epoch.

    Raises:
        Refused: it may not move.
        NotNow: it may not yet, or not any more.
    """
    descriptor, name = _open(root, path)
    try:
        found = os.fstat(descriptor)
        fingerprint = Fingerprint.of(found)
        reason = rules.refuse(path, name, found)
        if reason is not None:
            raise Refused(reason, fingerprint)
        if rules.due_ns(found, now_ns) > now_ns:
            raise NotNow
        yield Picture(path, descriptor, fingerprint, _content_type(descriptor, name, rules, fingerprint))
    finally:
        os.close(descriptor)


def _content_type(descriptor: int, name: bytes, rules: Rules, fingerprint: Fingerprint) -> str:
    try:
        kind = content_type(os.pread(descriptor, HEAD_BYTES, 0))
        reason = rules.refuse_content(name, kind)
        if reason is not None:
            raise Refused(_worse(reason, descriptor), fingerprint)
    except OSError as exc:
        raise Refused(Reason.UNREADABLE, fingerprint) from exc
    return kind


def _worse(reason: Reason, descriptor: int) -> Reason:
    """Tell a script from what is merely no image."""
    search = CodeSearch()
    search.look(os.pread(descriptor, _SCRIPT_BYTES, 0))
    return Reason.PHP_CODE if search.has_found else reason


def _open(root: int, path: bytes) -> tuple[int, bytes]:
    try:
        with parent_of(root, path) as (parent, name):
            return open_file(parent, name), name
    except FileNotFoundError as exc:
        raise NotNow from exc
    except OSError as exc:
        raise Refused(_KINDS.get(exc.errno or 0, Reason.UNREADABLE)) from exc
