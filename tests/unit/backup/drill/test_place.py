"""Folders of scratch servers: closed to others, short enough for a socket, and gone after a killed drill."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import msgspec
import pytest

from vawsum_agent.backup.drill import place as places
from vawsum_agent.backup.drill.place import Note, Process
from vawsum_agent.core.errors import BackupError

if TYPE_CHECKING:
    from pathlib import Path


def rewrite(folder: Path, note: Note) -> None:
    """Tell another story of a folder."""
    (folder / "note.json").write_bytes(msgspec.json.encode(note))


def note_of(folder: Path) -> Note:
    """What a folder says of itself."""
    return msgspec.json.decode((folder / "note.json").read_bytes(), type=Note)


def test_folder(tmp_path: Path) -> None:
    """Only its owner gets in, and it says whose it is."""
    place = places.make(tmp_path / "drill", tmp_path)
    assert stat.S_IMODE(place.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "drill").stat().st_mode) == 0o700
    assert note_of(place.folder).drill.pid == os.getpid()
    place.remove()
    assert list((tmp_path / "drill").iterdir()) == []


def test_long_path(tmp_path: Path) -> None:
    """A socket whose path would be longer than the kernel takes lies in a short folder, and goes with the rest."""
    short = tmp_path / "s"
    short.mkdir()
    place = places.make(tmp_path / ("d" * 100), short)
    assert place.socket.parent.parent == short
    assert stat.S_IMODE(place.socket.parent.stat().st_mode) == 0o700
    place.remove()
    assert list(short.iterdir()) == []


def test_folder_of_somebody_else(tmp_path: Path) -> None:
    """Whoever owns the directory could swap the folder: refused."""
    if os.geteuid() != 0:
        pytest.skip("only root can give a folder away")
    os.chown(tmp_path, 65534, -1)
    with pytest.raises(BackupError, match="belongs to user 65534"):
        places.make(tmp_path, tmp_path)


def test_what_a_killed_drill_left(tmp_path: Path) -> None:
    """Its folder and its socket's go, whether the host was restarted since or not."""
    for boot_id in (None, "another boot"):
        place = places.make(tmp_path / ("d" * 100), tmp_path)
        note = note_of(place.folder)
        gone = Process(note.drill.pid, note.drill.started + 1)
        rewrite(place.folder, msgspec.structs.replace(note, drill=gone, boot_id=boot_id or note.boot_id))
        assert places.sweep(tmp_path / ("d" * 100)) == 1
        assert not place.folder.exists()
        assert not place.socket.parent.exists()


def test_drill_that_is_under_way(tmp_path: Path) -> None:
    """Another agent with the same directory is left alone."""
    place = places.make(tmp_path, tmp_path)
    assert places.sweep(tmp_path) == 0
    assert place.folder.exists()


def test_server_that_was_kept(tmp_path: Path) -> None:
    """It ends with the next drill; a process that only looks like it stays."""
    place = places.make(tmp_path, tmp_path, is_kept=True)
    sleeping = [sys.executable, "-c", "import time; time.sleep(600)"]
    server = subprocess.Popen([*sleeping, f"--datadir={place.folder}/data"])
    other = subprocess.Popen([*sleeping, f"--datadir={place.folder}/data2"])
    try:
        assert places.servers_of(place.folder) == [server.pid]
        assert places.sweep(tmp_path) == 1
        assert server.wait(30) < 0
        assert other.poll() is None
    finally:
        for process in (server, other):
            process.kill()
            process.wait()


def test_folder_without_a_note(tmp_path: Path) -> None:
    """A drill was killed right after it made it; what bears another name is nobody's business."""
    (tmp_path / "scratch-x").mkdir()
    (tmp_path / "mine").mkdir()
    (tmp_path / "scratch-link").symlink_to(tmp_path / "mine")
    assert places.sweep(tmp_path) == 1
    assert {path.name for path in tmp_path.iterdir()} == {"mine", "scratch-link"}


def test_nothing_to_sweep(tmp_path: Path) -> None:
    """Before the first drill there is not even a directory."""
    assert places.sweep(tmp_path / "none") == 0
