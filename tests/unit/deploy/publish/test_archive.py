"""The archive of a release: the same files, the same bytes; and nothing in it but them."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import tarfile
from typing import TYPE_CHECKING, BinaryIO, cast

import pytest
import zstandard

from tests.unit.deploy.publish.folders import MTIME, an_application, packed
from vawsum_agent.core.errors import DeployError
from vawsum_agent.deploy.fetch.inflate import announced_bytes
from vawsum_agent.deploy.publish.archive import pack
from vawsum_agent.deploy.publish.survey import survey

if TYPE_CHECKING:
    from pathlib import Path


def tar_of(body: bytes) -> bytes:
    """Decompress an archive."""
    return zstandard.ZstdDecompressor().decompressobj().decompress(body)


def members_of(body: bytes) -> dict[str, tarfile.TarInfo]:
    """Give what is in an archive by name, in its order."""
    with tarfile.open(fileobj=io.BytesIO(tar_of(body))) as archive:
        return {member.name: member for member in archive}


def test_the_same_files_give_the_same_bytes(tmp_path: Path) -> None:
    """Whenever, by whoever, with whatever modes, and in whatever order they were made; another time gives others."""
    first = an_application(tmp_path / "first")
    second = tmp_path / "second"
    second.mkdir()
    for path in sorted(first.iterdir(), reverse=True):
        if path.is_dir():
            shutil.copytree(path, second / path.name, symlinks=True)
        else:
            shutil.copyfile(path, second / path.name)
    (second / "index.php").chmod(0o4600)
    (second / "bin/console").chmod(0o700)
    (second / "var").chmod(0o2700)
    (second / "empty").unlink()
    (second / ".git/empty").write_bytes(b"")
    os.link(second / ".git/empty", second / "empty")
    os.utime(second / "index.php", (1, 1))
    assert packed(first) == packed(second)
    assert packed(first)[0] != packed(first, MTIME + 1)[0]


def test_it_holds_the_files_and_nothing_of_the_machine(tmp_path: Path) -> None:
    """Sorted, 0644 or 0755, of nobody, of one time; contents and links as they were; no ``.git`` anywhere."""
    folder = an_application(tmp_path / "app")
    body, told = packed(folder)
    members = members_of(body)
    assert [name for name in members if not name.startswith("deep")] == [
        "bin",
        "bin/console",
        "empty",
        "index.php",
        "public",
        "public/index.php",
        "public/storage",
        "public/ä ö.css",
        "var",
        "var/cache",
        "vendor",
        "vendor/autoload.php",
        "vendor/lib",
    ]
    for member in members.values():
        assert (member.uid, member.gid, member.uname, member.gname, member.mtime) == (0, 0, "", "", MTIME)
    assert {members[name].mode for name in ("index.php", "empty")} == {0o644}
    assert {members[name].mode for name in ("bin", "bin/console", "var/cache")} == {0o755}
    assert members["public/index.php"].linkname == "../index.php"
    unpacked = tmp_path / "unpacked"
    with tarfile.open(fileobj=io.BytesIO(tar_of(body))) as archive:
        archive.extractall(unpacked, filter="data")
    for member in members.values():
        if member.isreg():
            assert (unpacked / member.name).read_bytes() == (folder / member.name).read_bytes()
    assert told.files == sum(member.isreg() for member in members.values()) == 6


def test_its_content_is_known_without_its_compression(tmp_path: Path) -> None:
    """The digest of the tar is told, and its size stands at the beginning, for hosts to look for room."""
    body, told = packed(an_application(tmp_path / "app"))
    tar = tar_of(body)
    assert told.content_sha256 == hashlib.sha256(tar).hexdigest()
    assert announced_bytes(".tar.zst", body[:18], body[-4:]) == len(tar)


def test_what_changes_meanwhile_is_not_published(tmp_path: Path) -> None:
    """A file that comes or goes after the look at the folder, or is written to while it is read."""
    folder = an_application(tmp_path / "app")
    looked = survey(folder)

    def pack_after(change: str) -> None:
        target = folder / "zzz"
        target.unlink(missing_ok=True)
        if change:
            target.write_text(change)
        pack(folder, io.BytesIO(), MTIME, looked.tar_bytes, lambda _: None)

    pack_after("")
    for change in ("x", "x" * 5000):
        with pytest.raises(DeployError, match="changed while it was archived"):
            pack_after(change)

    class Meddler:
        def write(self, block: bytes) -> int:
            os.utime(folder / "zzz")
            return len(block)

    (folder / "zzz").write_bytes(os.urandom(3 << 20))
    os.utime(folder / "zzz", (1, 1))
    with pytest.raises(DeployError, match="zzz changed while"):
        pack(folder, cast("BinaryIO", Meddler()), MTIME, survey(folder).tar_bytes, lambda _: None)
