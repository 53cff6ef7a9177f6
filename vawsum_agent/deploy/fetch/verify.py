"""Whether a release is still what was unpacked: everything in it is read and held against its seal.

Who may write below a release, such as PHP where a release makes a folder writable, may leave anything in it: what is
looked at is opened by itself, never through a link, and only regular files are read.
"""

from __future__ import annotations

import hashlib
import os
import stat
from typing import TYPE_CHECKING

from vawsum_agent.core.errors import DeployError
from vawsum_agent.core.text import printable
from vawsum_agent.deploy.fetch.seal import read_seal
from vawsum_agent.deploy.release_id import checked_release_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from vawsum_agent.deploy.fetch.seal import Entry, Seal
    from vawsum_agent.deploy.layout import AppFolder

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_PIECE_BYTES = 256 << 10
_TOP_MODE = 0o755
_TYPES = {stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "link"}


def verify_seal(app: AppFolder, release: str, ignoring: frozenset[str] = frozenset()) -> list[str]:
    """Say what is different from what was unpacked. Changes nothing.

    Args:
        app: whose release.
        release: that must be there.
        ignoring: paths in the release, as in its seal, that were made, replaced, removed or opened to others on
            purpose: links to shared paths, secrets, writable folders. What is below them is not looked at either, and
            folders that only lead to them may be there.

    Returns:
        A sentence for each difference; none where it is whole.

    Raises:
        UsageError: that is no release.
    """
    checked_release_id(release)
    try:
        return verify_against(app, read_seal(app, release), ignoring)
    except DeployError as error:
        return [error.message]


def verify_against(app: AppFolder, seal: Seal, ignoring: frozenset[str]) -> list[str]:
    """Do the same for a seal that was read before."""
    leading = frozenset(
        "/".join(parts[:depth]) for parts in (path.split("/") for path in ignoring) for depth in range(1, len(parts))
    )
    sealed: dict[str, dict[str, Entry]] = {}
    for entry in seal.entries:
        folder, _, name = entry.path.rpartition("/")
        sealed.setdefault(folder, {})[name] = entry
    try:
        root = os.open(app.release(seal.release), _FOLDER)
    except OSError as exc:
        return [f"{app.release(seal.release)} can't be opened: {exc.strerror}"]
    try:
        status = os.fstat(root)
        problem = _foreign(status) or ("" if stat.S_IMODE(status.st_mode) == _TOP_MODE else _mode_of(status))
        found = [f"{app.release(seal.release)} {problem}"] if problem else []
        return found + list(_Comparison(sealed, ignoring, leading).folder(root, ""))
    finally:
        os.close(root)


class _Comparison:
    def __init__(
        self, sealed: Mapping[str, Mapping[str, Entry]], ignoring: frozenset[str], leading: frozenset[str]
    ) -> None:
        self._sealed = sealed
        self._ignoring = ignoring
        self._leading = leading

    def folder(self, descriptor: int, path: str) -> Iterator[str]:
        """Compare what is in a folder. It goes no deeper than the seal, or what is to be ignored, does."""
        expected = self._sealed.get(path, {})
        try:
            names = set(os.listdir(descriptor))
        except OSError as exc:
            yield _unreadable(path, exc)
            return
        for name in sorted(names | expected.keys()):
            below = f"{path}/{name}" if path else name
            if below in self._ignoring:
                continue
            entry = expected.get(name)
            try:
                if name not in names:
                    yield f"{printable(below)} is gone"
                elif entry is None:
                    yield from self._unexpected(descriptor, name, below)
                else:
                    yield from self._entry(descriptor, name, entry)
            except OSError as exc:
                yield _unreadable(below, exc)

    def _unexpected(self, parent: int, name: str, path: str) -> Iterator[str]:
        status = os.stat(name, dir_fd=parent, follow_symlinks=False)
        if path not in self._leading or not stat.S_ISDIR(status.st_mode):
            yield f"{_shown(path)} is there and was not unpacked"
        else:
            yield from self._entered(parent, name, path)

    def _entry(self, parent: int, name: str, entry: Entry) -> Iterator[str]:
        status = os.stat(name, dir_fd=parent, follow_symlinks=False)
        problem = _changed(status, entry)
        if problem:
            yield f"{printable(entry.path)} {problem}"
        if _TYPES.get(stat.S_IFMT(status.st_mode)) != entry.kind:
            return
        if entry.kind == "folder":
            yield from self._entered(parent, name, entry.path)
        elif entry.kind == "link":
            if os.readlink(name, dir_fd=parent) != entry.content:
                yield f"{printable(entry.path)} points elsewhere"
        elif status.st_size == entry.size_bytes and _sha256(parent, name) != entry.content:
            yield f"{printable(entry.path)} has other content"

    def _entered(self, parent: int, name: str, path: str) -> Iterator[str]:
        descriptor = os.open(name, _FOLDER, dir_fd=parent)
        try:
            yield from self.folder(descriptor, path)
        finally:
            os.close(descriptor)


def _changed(status: os.stat_result, entry: Entry) -> str:
    """Say what lstat(2) tells; empty where all is as it was."""
    kind = _TYPES.get(stat.S_IFMT(status.st_mode), "special file")
    if kind != entry.kind:
        return f"was a {entry.kind} and is a {kind}"
    foreign = _foreign(status)
    if foreign:
        return foreign
    if entry.kind != "link" and stat.S_IMODE(status.st_mode) != entry.mode:
        return f"{_mode_of(status)}, not {entry.mode:04o}"
    if entry.kind == "file" and status.st_size != entry.size_bytes:
        return f"has {status.st_size:,} bytes, not {entry.size_bytes:,}"
    return ""


def _foreign(status: os.stat_result) -> str:
    return "" if status.st_uid in {0, os.geteuid()} else f"belongs to user {status.st_uid}"


def _mode_of(status: os.stat_result) -> str:
    return f"has mode {stat.S_IMODE(status.st_mode):04o}"


def _sha256(parent: int, name: str) -> str:
    descriptor = os.open(name, _FILE, dir_fd=parent)
    try:
        digest = hashlib.sha256()
        while piece := os.read(descriptor, _PIECE_BYTES):
            digest.update(piece)
        return digest.hexdigest()
    finally:
        os.close(descriptor)


def _unreadable(path: str, exc: OSError) -> str:
    return f"{_shown(path) or 'the release'} can't be read: {os.strerror(exc.errno or 0)}"


def _shown(path: str) -> str:
    return printable(path.encode("utf-8", "backslashreplace").decode("utf-8"))
