"""An archive into a folder that nobody else gets at: only what its members say, each checked before it is made.

Files belong to who unpacks, have 0755 where the archive's owner may execute them and 0644 else, and the time of the
release: the same on every host, so that ETags agree behind a load balancer, and another one in the next release, so
that no browser takes a changed file for the one that it has.
"""

from __future__ import annotations

import errno
import hashlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vawsum_agent.core.errors import DeployError
from vawsum_agent.deploy.fetch.folders import Folders
from vawsum_agent.deploy.fetch.members import members
from vawsum_agent.deploy.fetch.paths import link_target, member_path
from vawsum_agent.deploy.fetch.refused import Refused, member_refused
from vawsum_agent.deploy.fetch.seal import Entry

if TYPE_CHECKING:
    from vawsum_agent.deploy.fetch.limits import Limits
    from vawsum_agent.deploy.fetch.members import Member
    from vawsum_agent.deploy.fetch.room import Room
    from vawsum_agent.deploy.fetch.stream import Stream

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_FOLDER_MODE = 0o755
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


@dataclass(frozen=True, slots=True)
class Making:
    """How files are made.

    Attributes:
        room: counted down.
        modified_at: of every file, in seconds since the epoch.
    """

    limits: Limits
    room: Room
    modified_at: int


def unpack(stream: Stream, root: int, making: Making) -> list[Entry]:
    """Unpack an archive.

    Args:
        stream: of the archive.
        root: a descriptor of an empty folder that nobody else may enter.
        making: how.

    Returns:
        All that was made, sorted by path. Nothing of it is on the disk for sure.

    Raises:
        Refused: of the archive or a member; what was unpacked before is still there.
        DeployError: there is no room, or the disk fails.
    """
    unpacker = _Unpacker(stream, root, making)
    name = ""
    try:
        for member in members(stream, making.limits):
            name = member.name
            unpacker.add(member)
    except OSError as exc:
        hint = "free some, or lower keep_releases" if exc.errno in _FULL else ""
        message = f"{member_refused(name, 'can not be written').message}: {os.strerror(exc.errno or 0)}"
        raise DeployError(message, hint=hint) from exc
    finally:
        unpacker.close()
    entries = unpacker.entries()
    if not any(entry.kind == "file" for entry in entries):
        raise Refused("it holds no file")
    return entries


class _Unpacker:
    def __init__(self, stream: Stream, root: int, making: Making) -> None:
        self._stream = stream
        self._making = making
        self._times = (making.modified_at, making.modified_at)
        self._made: dict[tuple[str, ...], Entry] = {}
        self._listed: set[tuple[str, ...]] = set()
        self._folders = Folders(root, self._is_new_folder)
        self._member = ""

    def add(self, member: Member) -> None:
        """Make what a member says. Raises Refused, DeployError, OSError."""
        path = member_path(member.name, self._making.limits)
        self._member = member.name
        if member.kind == "folder":
            self._add_folder(path)
            return
        if path in self._made or not path:
            raise member_refused(member.name, "is there a second time" if path else "would be the release itself")
        parent = self._folders.opened(path[:-1])
        self._making.room.take(member.size_bytes)
        if member.kind == "file":
            entry = self._file(member, parent, path)
        elif member.kind == "symlink":
            entry = self._symlink(member, parent, path)
        else:
            entry = self._hardlink(member, path)
        self._note(path, entry)

    def entries(self) -> list[Entry]:
        """All that was made, sorted by path."""
        return sorted(self._made.values(), key=lambda entry: entry.path)

    def close(self) -> None:
        """Let go of what is open."""
        self._folders.close()

    def _is_new_folder(self, path: tuple[str, ...]) -> bool:
        there = self._made.get(path)
        if there is not None:
            if there.kind != "folder":
                raise member_refused(self._member, f"needs a folder where the archive has a {there.kind}")
            return False
        self._making.room.take(0)
        self._note(path, Entry("/".join(path), "folder", _FOLDER_MODE, 0, ""))
        return True

    def _note(self, path: tuple[str, ...], entry: Entry) -> None:
        # One member may have dozens of folders made that are no members themselves.
        if len(self._made) >= self._making.limits.members:
            most = self._making.limits.members
            raise Refused(f"it unpacks to more than {most:,} files and folders: an archive bomb")
        self._made[path] = entry

    def _add_folder(self, path: tuple[str, ...]) -> None:
        # One that was made for what is in it may still be listed, once.
        if path in self._listed:
            raise member_refused(self._member, "is there a second time")
        self._listed.add(path)
        self._folders.opened(path)

    def _file(self, member: Member, parent: int, path: tuple[str, ...]) -> Entry:
        mode = 0o755 if member.is_executable else 0o644
        digest = hashlib.sha256()
        descriptor = os.open(path[-1], _NEW, 0o600, dir_fd=parent)
        try:
            for piece in self._stream.pieces(member.size_bytes):
                digest.update(piece)
                _write(descriptor, piece)
            os.fchmod(descriptor, mode)  # whatever the umask
            os.utime(descriptor, self._times)
        finally:
            os.close(descriptor)
        return Entry("/".join(path), "file", mode, member.size_bytes, digest.hexdigest())

    def _symlink(self, member: Member, parent: int, path: tuple[str, ...]) -> Entry:
        link_target(member.name, path, member.target, self._making.limits)
        os.symlink(member.target, path[-1], dir_fd=parent)
        return Entry("/".join(path), "link", 0, 0, member.target)

    def _hardlink(self, member: Member, path: tuple[str, ...]) -> Entry:
        """Make another name of a file that was unpacked before, and of nothing else."""
        target = member_path(member.target, self._making.limits)
        there = self._made.get(target)
        if there is None or there.kind != "file":
            raise member_refused(member.name, "is a hard link to what is no file before it in the archive")
        held = os.dup(self._folders.opened(target[:-1]))
        try:
            parent = self._folders.opened(path[:-1])
            os.link(target[-1], path[-1], src_dir_fd=held, dst_dir_fd=parent, follow_symlinks=False)
        finally:
            os.close(held)
        return Entry("/".join(path), "file", there.mode, there.size_bytes, there.content)


def _write(descriptor: int, piece: bytes) -> None:
    done = os.write(descriptor, piece)
    while done < len(piece):
        done += os.write(descriptor, piece[done:])
