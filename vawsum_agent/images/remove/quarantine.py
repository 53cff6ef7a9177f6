"""The quarantine: the folder that a file passes on its way out, and from which it gets back to its place.

It lies in the upload folder, which is as good as hostile: whatever stands in its stead, or in it, is refused and never
followed. Everything here is below two descriptors, the upload folder's and the quarantine's own.

A crash at any point leaves a file whole, at its place or in here; `recover` puts it back. Nothing is synced: a rename
that a power cut takes back leaves the file at its place, and what was unlinked had its object proven before.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
import time
from typing import TYPE_CHECKING

from vawsum_agent.images.beneath import QUARANTINE, made_parent_of
from vawsum_agent.images.remove.names import may_be_folder, path_of, pieces_of
from vawsum_agent.images.remove.removal import RemoverError
from vawsum_agent.images.remove.rename import rename_new

if TYPE_CHECKING:
    from collections.abc import Iterator

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_LOOK_AGAIN_S = 0.02
_TRIES = 3


class Quarantine:
    """The quarantine of one upload folder, ours alone while it is open.

    Attributes:
        root: the descriptor of the upload folder.
    """

    def __init__(self, root: int, descriptor: int, shown: str) -> None:
        self.root = root
        self._descriptor = descriptor
        self._shown = shown

    def take_in(self, parent: int, name: bytes, path: bytes) -> None:
        """Move what is called ``name`` now, whatever it is, from its folder into here.

        Raises:
            RemoverError: its place in here is taken, or can't be made.
            OSError: it can't be taken out of its folder.
        """
        with self._place_of(pieces_of(path), is_new=True) as (folder, place):
            try:
                rename_new(parent, name, folder, place)
                # If we die here, it is in the quarantine, and `recover` puts it back.
            except FileExistsError as exc:
                raise self._foreign(place, exc) from exc

    def look_at(self, path: bytes) -> os.stat_result:
        """Say what is in the place of ``path``; raises OSError when nothing is."""
        with self._place_of(pieces_of(path)) as (folder, place):
            return os.stat(place, dir_fd=folder, follow_symlinks=False)

    def drop(self, path: bytes) -> None:
        """Unlink what is in the place of ``path``."""
        with self._place_of(pieces_of(path)) as (folder, place):
            os.unlink(place, dir_fd=folder)
            # If we die here, it is gone, and that was decided.

    def put_back(self, path: bytes) -> bool:
        """Move what is in the place of ``path`` there again. A file that stands there by now is newer, and wins.

        Folders that went missing meanwhile are made anew.

        Returns:
            Whether it is at its place again; else a newer one is, or somebody took it out of the quarantine.

        Raises:
            RemoverError: something that is no file stands there.
        """
        with self._place_of(pieces_of(path)) as (folder, place):
            for _ in range(_TRIES):
                try:
                    with made_parent_of(self.root, path) as (parent, name):
                        try:
                            rename_new(folder, place, parent, name)
                            # If we die here, it is at its place.
                        except FileExistsError:
                            self._yield_to_newer(folder, place, parent, name)
                            return False
                except NotADirectoryError as exc:
                    message = f"{self._shown}: {os.fsdecode(path)} can't be put back, a file or link stands in its way"
                    raise RemoverError(message, hint="look at it and move it away") from exc
                except FileNotFoundError:  # its folder was removed under us, or it was taken out of the quarantine
                    if not _is_there(folder, place):
                        return False
                else:
                    return True
        message = f"{self._shown}: {os.fsdecode(path)} can't be put back, its folder goes away time and again"
        raise RemoverError(message)

    def recover(self) -> int:
        """Put back everything, or drop what a newer file has superseded; then only the empty quarantine is left.

        Returns:
            How many files are at their place again.

        Raises:
            RemoverError: something is in here that we did not put here.
        """
        count = 0
        waiting: list[tuple[bytes, ...]] = [()]
        seen: list[tuple[bytes, ...]] = []
        while waiting:
            above = waiting.pop()
            seen.append(above)
            with self._folder_of(above) as folder, os.scandir(folder) as entries:
                for entry in entries:
                    pieces = (*above, os.fsencode(entry.name))
                    path = path_of(pieces)
                    if path is not None:
                        count += self.put_back(path)
                    elif may_be_folder(pieces[-1]) and entry.is_dir(follow_symlinks=False):
                        waiting.append(pieces)
                    else:
                        raise self._foreign(pieces[-1])
        for pieces in reversed(seen[1:]):
            self._remove_folder(pieces)
        return count

    def tidy(self, path: bytes) -> None:
        """Remove the folders that a long path needed, where nothing else is in them."""
        pieces = pieces_of(path)[:-1]
        for depth in range(len(pieces), 0, -1):
            self._remove_folder(pieces[:depth])

    def _remove_folder(self, pieces: tuple[bytes, ...]) -> None:
        with contextlib.suppress(OSError), self._place_of(pieces) as (folder, place):
            os.rmdir(place, dir_fd=folder)

    @contextlib.contextmanager
    def _place_of(self, pieces: tuple[bytes, ...], *, is_new: bool = False) -> Iterator[tuple[int, bytes]]:
        if len(pieces) == 1:  # of nearly all: nothing to open on the way
            yield self._descriptor, pieces[0]
            return
        with self._folder_of(pieces[:-1], is_new=is_new) as folder:
            yield folder, pieces[-1]

    @contextlib.contextmanager
    def _folder_of(self, pieces: tuple[bytes, ...], *, is_new: bool = False) -> Iterator[int]:
        descriptor = os.open(".", _FOLDER, dir_fd=self._descriptor)
        try:
            for piece in pieces:
                following = self._folder_in(descriptor, piece, is_new=is_new)
                os.close(descriptor)
                descriptor = following
            yield descriptor
        finally:
            os.close(descriptor)

    def _folder_in(self, folder: int, piece: bytes, *, is_new: bool) -> int:
        if is_new:
            with contextlib.suppress(FileExistsError):
                os.mkdir(piece, 0o700, dir_fd=folder)
        try:
            return os.open(piece, _FOLDER, dir_fd=folder)
        except OSError as exc:
            if exc.errno in {errno.ENOTDIR, errno.ELOOP}:
                raise self._foreign(piece, exc) from exc
            raise

    def _yield_to_newer(self, folder: int, place: bytes, parent: int, name: bytes) -> None:
        """Drop what is in ``place`` for the file that has taken its name meanwhile."""
        if not stat.S_ISREG(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
            message = f"{self._shown}: {os.fsdecode(place)} can't be put back, what has its name is no file"
            raise RemoverError(message, hint="look at both and move one away")
        os.unlink(place, dir_fd=folder)
        # If we die here, the newer one is at its place, and nothing else is left.

    def _foreign(self, place: bytes, cause: OSError | None = None) -> RemoverError:
        about = f": {cause.strerror}" if cause is not None else ""
        message = f"{self._shown}: {os.fsdecode(place)!r} is not of the agent's making{about}"
        return RemoverError(message, hint="look at it and move it away")


@contextlib.contextmanager
def open_quarantine(root: int, folder: str, *, wait_s: float) -> Iterator[Quarantine]:
    """Open the quarantine of an upload folder and keep others out; make it where there is none.

    Args:
        root: a descriptor of the upload folder.
        folder: its path, for messages.
        wait_s: how long another process may hold it before we give up.

    Raises:
        RemoverError: what has its name is no folder of ours, or another process does not let go of it.
        OSError: it can't be made or opened.
    """
    shown = f"{folder}/{os.fsdecode(QUARANTINE)}"
    with contextlib.suppress(FileExistsError):
        os.mkdir(QUARANTINE, 0o700, dir_fd=root)
        # If we die here, an empty quarantine is left, which is what there is between removals anyway.
    try:
        descriptor = os.open(QUARANTINE, _FOLDER, dir_fd=root)
    except OSError as exc:
        if exc.errno in {errno.ENOTDIR, errno.ELOOP}:
            message = f"{shown} is a link or a file"
            raise RemoverError(message, hint="look at it and move it away: the agent makes a folder there") from exc
        raise
    try:
        _check(root, descriptor, shown)
        _lock(descriptor, shown, wait_s)
        yield Quarantine(root, descriptor, shown)
    finally:
        os.close(descriptor)  # and with it the lock


def _check(root: int, descriptor: int, shown: str) -> None:
    """Refuse a folder that is not ours, or that files can't be renamed into."""
    if os.fstat(descriptor).st_uid != os.geteuid():
        message = f"{shown} belongs to another user"
        raise RemoverError(message, hint="remove it: the agent makes it anew as the folder's owner")
    try:
        # Changes nothing, as "." can't be renamed; but whether both are on one mount is looked at first.
        os.rename(".", ".", src_dir_fd=root, dst_dir_fd=descriptor)
    except OSError as exc:
        if exc.errno == errno.EXDEV:
            message = f"{shown} is on another file system than the folder"
            raise RemoverError(message, hint="unmount it: files are renamed into it") from exc


def _lock(descriptor: int, shown: str, wait_s: float) -> None:
    """Keep two removers apart: one would put back what the other has just taken in."""
    ends_at = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            if time.monotonic() > ends_at:
                message = f"another process holds {shown}"
                raise RemoverError(message, hint="`images move` removes too; it is tried again") from exc
            time.sleep(_LOOK_AGAIN_S)
        else:
            return


def _is_there(folder: int, place: bytes) -> bool:
    try:
        os.stat(place, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True
