"""A folder of logs: does what logrotate and slow writers do, and knows what was written and what can still be read."""

from __future__ import annotations

import gzip
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vawsum_agent.logs.follow.fingerprint import HEAD_BYTES

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.logs.follow.following import SetClock

HEADER = b"/usr/sbin/mysqld, Version: 8.0.39. started with:\nTime Id Command Argument\n"


@dataclass(eq=False)
class Generation:
    """What was written between two truncations or creations of a log.

    Attributes:
        is_held: a follower that runs has seen the file itself, and keeps it open.
        held_bytes: how much is in the longest copy that it has seen.
        is_lossy: some of it could not be read any more, at some moment, by anybody.
    """

    number: int
    content: bytearray = field(default_factory=bytearray)
    is_held: bool = False
    held_bytes: int = 0
    is_lossy: bool = False


@dataclass(eq=False)
class Inode:
    """A plain file, of which writers may keep descriptors when it has no name any more."""

    generation: Generation
    writer: int | None = None


@dataclass(eq=False)
class Entry:
    """A name in the folder: of a plain file, or of a compressed or plain copy that holds ``length`` bytes."""

    generation: Generation
    inode: Inode | None = None
    length: int = 0


class Disk:
    """The folder. Every deed takes ten milliseconds of the set clock, which is also what files are stamped with."""

    def __init__(self, folder: Path, clock: SetClock, style: str, *, has_header: bool) -> None:
        self.folder = folder
        self.live = "access.log"
        self.entries: dict[str, Entry] = {}
        self.generations: list[Generation] = []
        self.unlinked: list[Inode] = []
        self.copying: str | None = None
        self._clock = clock
        self._style = style
        self._has_header = has_header
        self._lines = 0

    # What writers do

    def touch(self) -> None:
        """Create the live log, empty."""
        if self.live not in self.entries:
            inode = Inode(self._new_generation())
            self.entries[self.live] = Entry(inode.generation, inode)
            inode.writer = os.open(self.folder / self.live, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
            self._stamp(inode.writer)

    def write(self, length: int) -> None:
        """Log to the live path."""
        self.touch()
        inode = self.entries[self.live].inode
        assert inode is not None
        self.write_to(inode, length)

    def write_to(self, inode: Inode, length: int) -> None:
        """Log to a file by the descriptor of a writer that has it open, or opens it."""
        name = self.name_of(inode)
        if inode.writer is None and name is not None:
            inode.writer = os.open(self.folder / name, os.O_WRONLY | os.O_APPEND)
        assert inode.writer is not None
        header = HEADER if self._has_header and not inode.generation.content else b""
        self._lines += 1
        line = header + b"%08d %s\n" % (self._lines, b"x" * length)
        os.write(inode.writer, line)
        self._stamp(inode.writer)
        inode.generation.content += line

    def release(self, inode: Inode) -> None:
        """Let the writer close its file."""
        if inode.writer is not None:
            os.close(inode.writer)
            inode.writer = None

    # What logrotate does

    def rotate(self, *, copies: bool, compresses: bool, creates: bool) -> None:
        """Rotate the live log, by rename + create or copytruncate."""
        if self.live not in self.entries or self.copying is not None:
            return
        name = self._make_room()
        if copies:
            self._copy_and_truncate(name)
        else:
            self._rename(self.live, name)
            if creates:
                self.touch()
        if compresses:
            self.compress(name)

    def compress(self, name: str) -> None:
        """Compress a rotated file; the copy has what is in it now, and its time."""
        entry = self.entries[name]
        if entry.inode is not None and len(entry.generation.content) < HEAD_BYTES:
            # Of a file shorter than the head that grows on, nothing that is stored tells an older copy (following.md).
            self.release(entry.inode)
        path = self.folder / name
        status = path.stat()
        data = path.read_bytes()
        packed = path.with_name(name + ".gz")
        packed.write_bytes(gzip.compress(data, 1))
        os.utime(packed, ns=(status.st_mtime_ns, status.st_mtime_ns))
        self.entries[name + ".gz"] = Entry(entry.generation, length=len(data))
        self.delete(name)

    def delete(self, name: str) -> None:
        """Remove a file."""
        entry = self.entries.pop(name)
        (self.folder / name).unlink()
        self._stamp_folder()
        if entry.inode is not None:
            self.unlinked.append(entry.inode)

    def truncate(self) -> None:
        """Empty the live log in place."""
        entry = self.entries.get(self.live)
        if entry is not None and entry.inode is not None:
            os.truncate(self.folder / self.live, 0)
            entry.generation.is_held = False
            self._begin_anew(entry)

    def begin_copy(self, share: float) -> None:
        """Copy some of the live log, as copytruncate does a moment before it has copied all."""
        if self.live in self.entries and self.copying is None:
            self.copying = self._make_room()
            self._copy(self.copying, int(share * len(self.entries[self.live].generation.content)))

    def end_copy(self, late: int) -> None:
        """Copy the rest; then, ``late`` bytes later, truncate."""
        name, self.copying = self.copying, None
        if name in self.entries and self.live in self.entries:
            assert name is not None
            content = self.entries[self.live].generation.content
            if self.entries[name].generation is self.entries[self.live].generation:
                self._copy(name, len(content))
                # What is written between the two is in no copy. Of a short file, see above.
                if late and len(content) >= HEAD_BYTES:
                    self.write(late)
                self.truncate()

    def _copy_and_truncate(self, name: str) -> None:
        self._copy(name, len(self.entries[self.live].generation.content))
        self.truncate()

    def _copy(self, name: str, length: int) -> None:
        path = self.folder / name
        with path.open("ab") as file, (self.folder / self.live).open("rb") as live:
            live.seek(file.tell())
            file.write(live.read(length - file.tell()))
            file.flush()
            self._stamp(file.fileno())
        self.entries[name] = Entry(self.entries[self.live].generation, length=length)

    def _begin_anew(self, entry: Entry) -> None:
        assert entry.inode is not None
        entry.generation = entry.inode.generation = self._new_generation()
        descriptor = os.open(self.folder / self.live, os.O_WRONLY)
        self._stamp(descriptor)
        os.close(descriptor)

    def _make_room(self) -> str:
        if self._style == "dateext":
            return f"access.log-{int(self._clock.wall * 100)}"
        for name in sorted(self.rotated(), key=self._number, reverse=True):
            self._rename(name, self._numbered(self._number(name) + 1, name.endswith(".gz")))
        return self._numbered(1, is_compressed=False)

    def _number(self, name: str) -> int:
        return int(name.split(".")[1 if self._style == "extension" else 2])

    def _numbered(self, number: int, is_compressed: bool) -> str:
        name = f"access.{number}.log" if self._style == "extension" else f"access.log.{number}"
        return name + ".gz" if is_compressed else name

    def _rename(self, old: str, new: str) -> None:
        (self.folder / old).rename(self.folder / new)
        self.entries[new] = self.entries.pop(old)
        self._stamp_folder()

    # What is there

    def rotated(self) -> list[str]:
        """Name the rotated files, oldest first."""
        if self._style == "dateext":
            return sorted(name for name in self.entries if name != self.live)
        return sorted((name for name in self.entries if name != self.live), key=self._number, reverse=True)

    def written_elsewhere(self) -> list[Inode]:
        """Give the files that writers have open though they are not the live one."""
        inodes = [e.inode for name, e in self.entries.items() if name != self.live and e.inode is not None]
        return [inode for inode in [*inodes, *self.unlinked] if inode.writer is not None]

    def name_of(self, inode: Inode) -> str | None:
        """Name a file."""
        return next((name for name, entry in self.entries.items() if entry.inode is inode), None)

    def seen(self) -> None:
        """Take note that a follower has looked: it has everything open that is there."""
        for entry in self.entries.values():
            if entry.inode is not None:
                entry.generation.is_held = True
            entry.generation.held_bytes = max(entry.generation.held_bytes, entry.length)

    def forgotten(self) -> None:
        """Take note that the follower is dead, and with it its descriptors."""
        for generation in self.generations:
            generation.is_held = False
            generation.held_bytes = 0

    def mark_losses(self, accepted: dict[int, int]) -> None:
        """Take note of the generations of which bytes are nowhere any more, given how many were accepted."""
        for generation in self.generations:
            lengths = [self._length(entry) for entry in self.entries.values() if entry.generation is generation]
            there = max([generation.held_bytes, *lengths, accepted.get(generation.number, 0)])
            if there < len(generation.content) and not generation.is_held:
                generation.is_lossy = True

    def close(self) -> None:
        """Close what writers have open."""
        for inode in [*(e.inode for e in self.entries.values()), *self.unlinked]:
            if inode is not None:
                self.release(inode)

    def _length(self, entry: Entry) -> int:
        return len(entry.generation.content) if entry.inode is not None else entry.length

    def _new_generation(self) -> Generation:
        self.generations.append(Generation(len(self.generations)))
        return self.generations[-1]

    def _stamp(self, descriptor: int) -> None:
        self._clock.advance(0.01)
        stamp = int(self._clock.wall * 1e9)
        os.utime(descriptor, ns=(stamp, stamp))
        self._stamp_folder()

    def _stamp_folder(self) -> None:
        """Stamp the folder as well: two deeds in one tick of the kernel's clock would look like one."""
        self._clock.advance(0.01)
        stamp = int(self._clock.wall * 1e9)
        os.utime(self.folder, ns=(stamp, stamp))
