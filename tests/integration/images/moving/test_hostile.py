"""A folder that somebody hostile writes to, under the running daemon."""

from __future__ import annotations

import os
import socket
import threading
import time
from typing import TYPE_CHECKING

from tests.counts import count
from tests.integration.images.moving.running import (
    BUCKET,
    JPEG_HEAD,
    PREFIX,
    QUARANTINE,
    Uploads,
    own,
    picture,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sandbox import Sandbox
    from tests.integration.images.moving.running import MovingAgent

LONG_AGO = 1_000_000_000
SCRIPT = b"<?php system($_GET['c']); ?>"
SWAPPED_FOR_S = count(6, 300)
REFUSED = {
    "symlink": 3,
    "hardlink": 1,
    "not-a-file": 2,
    "name-with-control-characters": 2,
    "name-not-utf8": 1,
    "name-too-long": 2,
    "too-deep": 1,
    "not-an-image": 1,
    "extension-mismatch": 1,
    "php-code": 2,
    "other-extension": 2,
    "empty": 1,
}


class Outside:
    """Pictures outside the folder, which nobody may read: each reading would move its access time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()
        self._contents = {f"secret-{number}.jpg": picture(f"secret {number}") for number in range(5)}
        for name, content in self._contents.items():
            (path / name).write_bytes(content)
            own(path / name)
            os.utime(path / name, (LONG_AGO, LONG_AGO))
        os.utime(path, (LONG_AGO, LONG_AGO))

    def assert_untouched(self) -> None:
        """Nothing was read, changed or removed, and nobody listed the folder."""
        self._assert_reading_shows()
        assert self.path.stat().st_atime == LONG_AGO
        for name in self._contents:
            assert (self.path / name).stat().st_atime == LONG_AGO, f"{name} was read"
        assert {path.name: path.read_bytes() for path in self.path.iterdir()} == self._contents

    def _assert_reading_shows(self) -> None:
        """On a file system that keeps no access times nothing would be proven."""
        probe = self.path.with_name("probe")
        probe.write_bytes(b"x")
        os.utime(probe, (LONG_AGO, LONG_AGO))
        probe.read_bytes()
        assert probe.stat().st_atime != LONG_AGO, "this file system keeps no access times: set TMPDIR to another"


def named(uploads: Uploads, name: bytes, content: bytes | None = None) -> None:
    """Upload under a name that need not be text."""
    path = os.path.join(os.fsencode(uploads.path), name)  # noqa: PTH118 - bytes
    with open(path, "wb") as file:  # noqa: PTH123 - bytes
        file.write(picture(repr(name)) if content is None else content)
    if os.geteuid() == 0:
        found = uploads.path.stat()
        os.chown(path, found.st_uid, found.st_gid)


def nested(uploads: Uploads, part: str, depth: int) -> None:
    """Put a picture so many folders deep, step by step: its path may be longer than the kernel takes at once."""
    descriptor = os.open(uploads.path, os.O_RDONLY)
    found = uploads.path.stat()
    for _ in range(depth):
        os.mkdir(part, dir_fd=descriptor)
        os.chown(part, found.st_uid, found.st_gid, dir_fd=descriptor)
        following = os.open(part, os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = following
    file = os.open("a.jpg", os.O_WRONLY | os.O_CREAT, 0o644, dir_fd=descriptor)
    os.write(file, picture(part))
    os.fchown(file, found.st_uid, found.st_gid)
    os.close(file)
    os.close(descriptor)


def plant(uploads: Uploads, outside: Outside) -> None:
    """Everything an attacker can think of."""
    (uploads.path / "link.jpg").symlink_to(outside.path / "secret-0.jpg")
    (uploads.path / "folder").symlink_to(outside.path)
    (uploads.path / "passwd.jpg").symlink_to("/etc/passwd")
    (uploads.path / "hard.jpg").hardlink_to(outside.path / "secret-1.jpg")
    os.mkfifo(uploads.path / "fifo.jpg")
    with socket.socket(socket.AF_UNIX) as listener:
        here = os.getcwd()  # noqa: PTH109 - an address of a socket has no room for a long path
        os.chdir(uploads.path)
        listener.bind("socket.jpg")
        os.chdir(here)
    named(uploads, b"new\nline.jpg")
    named(uploads, b"esc\x1b[31m.jpg")
    named(uploads, b"\xff\xfe.jpg")
    nested(uploads, "x" * 250, 17)  # over 4,096 bytes
    nested(uploads, "y" * 200, 6)
    nested(uploads, "z", 70)
    named(uploads, b"text.jpg", b"no picture")
    named(uploads, b"gif.jpg", b"GIF89a" + b"\x01" * 100)
    named(uploads, b"shell.jpg", SCRIPT)
    named(uploads, b"polyglot.jpg", JPEG_HEAD + b"\x01" * 5000 + SCRIPT)
    named(uploads, b"shell.php", SCRIPT)
    named(uploads, b".htaccess", b"AddHandler application/x-httpd-php .jpg\n")
    named(uploads, b"empty.jpg", b"")


def test_everything_at_once(agent: MovingAgent, uploads: Uploads, sandbox: Sandbox, tmp_path: Path) -> None:
    """Symlinks out of the folder, hardlinks, FIFOs, names with newlines and invalid UTF-8, 4,096-byte paths: nothing
    outside is ever read, uploaded or removed; all is named by reason; what is well moves.
    """  # noqa: D205 - the row as it stands in the table
    outside = Outside(tmp_path / "outside")
    plant(uploads, outside)
    planted = {path.name for path in uploads.path.iterdir()}
    for number in range(20):
        uploads.put(f"well/{number}.jpg")
    agent.start_and_wait()
    agent.wait_until(lambda: not list((uploads.path / "well").iterdir()), "what is well moves")
    agent.wait_until(lambda: agent.folder()["refused"] == REFUSED, "all else is named by reason")
    row = agent.folder()
    assert row["due_count"] == 0
    assert row["examples"]["hardlink"] == ["hard.jpg"]
    assert sorted(row["examples"]["php-code"]) == ["polyglot.jpg", "shell.jpg"]
    assert sorted(row["examples"]["name-with-control-characters"]) == ["esc\\x1b[31m.jpg", "new\\nline.jpg"]
    assert agent.images()["state"] == "degraded"
    assert "2 files with PHP code where an image should be" in agent.images()["last_error"]
    keys = {item.key for item in sandbox.objects(BUCKET)}
    assert keys == {PREFIX + name for name in uploads.written}
    assert {path.name for path in uploads.path.iterdir()} - {QUARANTINE, "well"} == planted
    code, text = agent.command("status")
    assert code == 1
    assert "\x1b" not in text
    assert agent.run("images", "plan").returncode == 0
    outside.assert_untouched()
    assert sandbox.violations() == []


class Swapper(threading.Thread):
    """Swaps a folder with pictures for a link to elsewhere, and pictures for links, again and again."""

    def __init__(self, uploads: Uploads, outside: Path) -> None:
        super().__init__(daemon=True)
        self._uploads = uploads
        self._outside = outside
        self.is_over = threading.Event()
        self.swaps = 0

    def run(self) -> None:
        """Swap."""
        for swap in self._swaps():
            if self.is_over.is_set():
                return
            swap()
            self.swaps += 1

    def _swaps(self) -> Iterator[Callable[[], object]]:
        root = self._uploads.path
        while True:
            name = f"a/secret-{self.swaps % 5}.jpg"
            yield lambda name=name: self._uploads.put(name) if not (root / "b").exists() else None  # type: ignore[misc]
            yield lambda: (root / "a").rename(root / "b")
            yield lambda: (root / "a").symlink_to(self._outside)
            yield lambda: time.sleep(0.001)
            yield (root / "a").unlink
            yield lambda: (root / "b").rename(root / "a")
            yield lambda: time.sleep(0.02 if self.swaps % 500 else 1.5)


def test_swapped_while_it_moves(
    agent: MovingAgent, uploads: Uploads, sandbox: Sandbox, tmp_path: Path, tell: Callable[[str], None]
) -> None:
    """Swapped for a link mid-walk, mid-upload, mid-removal: nothing outside is ever read, uploaded or removed."""
    outside = Outside(tmp_path / "outside")
    uploads.put("a/first.jpg")
    swapper = Swapper(uploads, outside.path)
    agent.start_and_wait()
    swapper.start()
    time.sleep(SWAPPED_FOR_S)
    swapper.is_over.set()
    swapper.join()
    if (uploads.path / "a").is_symlink():
        (uploads.path / "a").unlink()
    if (uploads.path / "b").exists():
        (uploads.path / "b").rename(uploads.path / "a")
    agent.wait_moved(uploads, limit_s=60)
    outside.assert_untouched()
    keys = {item.key.removeprefix(PREFIX) for item in sandbox.objects(BUCKET)}
    assert {name.rpartition("/")[2] for name in keys} <= {"first.jpg", *(f"secret-{n}.jpg" for n in range(5))}
    bodies = {item.sha256 for item in sandbox.versions(BUCKET)}
    tell(f"{swapper.swaps} swaps, {agent.folder()['moved_count']} moved, {len(bodies)} bodies")
