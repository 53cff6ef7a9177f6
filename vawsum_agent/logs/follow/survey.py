"""What lies in the folders of a source right now. Looks and opens; never decides."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vawsum_agent.logs.follow.compressed import CODECS, CompressedContent, CorruptError
from vawsum_agent.logs.follow.content import Content, Identity, PlainContent
from vawsum_agent.logs.follow.names import codec_of, is_compressed, without_compression

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vawsum_agent.logs.follow.folders import Folders
    from vawsum_agent.logs.follow.globs import Globs
    from vawsum_agent.logs.follow.problems import Problems

_HEADS_KEPT = 512
_SUBFOLDERS_LIMIT = 64


@dataclass(frozen=True, slots=True)
class Sighting:
    """A regular file as it was seen in a folder."""

    path: str
    identity: Identity
    size: int
    mtime_ns: int

    @property
    def is_compressed(self) -> bool:
        """Whether its name says so."""
        return codec_of(self.path) is not None

    @property
    def mtime(self) -> float:
        """When bytes were last added, in seconds; the end of that second where a compressor kept only the second."""
        rounding = 0.999_999 if self.mtime_ns % 1_000_000_000 == 0 else 0.0
        return self.mtime_ns / 1e9 + rounding


def identity_of(status: os.stat_result) -> Identity:
    """Take device and inode."""
    return status.st_dev, status.st_ino


class Survey:
    """The files of a source. Heads are kept as long as a file stays the same."""

    def __init__(self, globs: Globs, folders: Folders, problems: Problems) -> None:
        self._globs = globs
        self._folders = folders
        self._problems = problems
        self._heads: dict[Sighting, bytes] = {}

    def means(self, path: str) -> bool:
        """Whether the globs mean this path, be it there or not."""
        return self._globs.match(path)

    def rotations(self, path: str, folders: Iterable[str]) -> list[Sighting]:
        """Give the files that are rotated copies of ``path`` by their names."""
        base = os.path.basename(path)
        names = [(folder, name) for folder in folders for name in self._folders.rotations(folder, base)]
        there = set(names)
        # While a compressor writes X.gz, X is still there: what is in X.gz by then is not all of it.
        return self._sightings(
            (folder, name)
            for folder, name in names
            if codec_of(name) is None or (folder, without_compression(name)) not in there
        )

    def relatives(self, path: str, folders: Iterable[str], inodes: set[int]) -> list[Sighting]:
        """Give the files whose names begin like that of ``path``, and those of an inode that is looked for."""
        root = os.path.splitext(os.path.basename(path))[0]
        found = []
        for folder in folders:
            try:
                with os.scandir(folder) as entries:
                    found += [(folder, e.name) for e in entries if e.name.startswith(root) or e.inode() in inodes]
            except OSError as error:
                self._problems.note_error(folder, error)
        return self._sightings(sorted(found))

    def subfolders(self, folder: str) -> list[str]:
        """Give the folders directly below one: where ``olddir`` most often is."""
        try:
            with os.scandir(folder) as entries:
                return sorted(e.path for e in entries if e.is_dir(follow_symlinks=False))[:_SUBFOLDERS_LIMIT]
        except OSError:
            return []

    def sight(self, path: str) -> Sighting | None:
        """Look at one file."""
        status = self.status(path)
        if status is None:
            return None
        return Sighting(path, identity_of(status), status.st_size, status.st_mtime_ns)

    def open(self, sighting: Sighting) -> Content | None:
        """Open a file that was seen; None when it is gone, another one by now, or may not be read."""
        try:
            # O_NONBLOCK: should a FIFO have taken the name meanwhile, opening it must not wait for a writer.
            descriptor = os.open(sighting.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
        except OSError as error:
            self._problems.note_error(sighting.path, error)
            return None
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or identity_of(status) != sighting.identity:
            os.close(descriptor)
            return None
        self._problems.solved(sighting.path)
        codec = codec_of(sighting.path)
        if codec is None:
            return PlainContent(descriptor, sighting.identity)
        return CompressedContent(descriptor, sighting.identity, CODECS[codec])

    def head(self, sighting: Sighting) -> bytes | None:
        """Give the first bytes of a file, decompressed; None when they can't be told (yet)."""
        head = self._heads.get(sighting)
        if head is not None:
            return head
        content = self.open(sighting)
        if content is None:
            return None
        try:
            head = content.head()
        except CorruptError as error:
            self._problems.note(sighting.path, error.args[0])
            head = b""
        except OSError as error:
            self._problems.note_error(sighting.path, error)
        finally:
            content.close()
        if head is not None:
            if len(self._heads) >= _HEADS_KEPT:
                self._heads.clear()
            self._heads[sighting] = head
        return head

    def _sightings(self, found: Iterable[tuple[str, str]]) -> list[Sighting]:
        return [
            sighting
            for folder, name in found
            if (codec_of(name) is not None or not is_compressed(name))
            and (sighting := self.sight(os.path.join(folder, name))) is not None
        ]

    def status(self, path: str) -> os.stat_result | None:
        """Look at one regular file; None when there is none."""
        try:
            status = os.stat(path)
        except OSError as error:
            self._problems.note_error(path, error)
            return None
        if stat.S_ISREG(status.st_mode):
            return status
        if not stat.S_ISDIR(status.st_mode):
            self._problems.note(path, "it is no regular file", "exclude it, or name the regular files in paths")
        return None
