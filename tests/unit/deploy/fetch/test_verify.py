"""Seals: frozen as they are written, and whatever changes in a release is told by them."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.unit.deploy.fetch.published import RELEASE, Item, Published, fetch, folder, link, tar
from vawsum_agent.core.errors import UsageError
from vawsum_agent.deploy.fetch.seal import Entry, Seal, read_seal, seal_path
from vawsum_agent.deploy.fetch.verify import verify_seal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from vawsum_agent.deploy.layout import AppFolder

FROZEN = (
    b'{"version":1,"release":"20261129T101500Z-4f2a91c","sha256":"aa","entries":[["bin","folder",493,0,""],'
    b'["bin/run","file",493,2,"bb"],["link","link",0,0,"bin/run"]]}'
)


@pytest.fixture
def release(app: AppFolder, published: Published) -> Path:
    """A release as it was unpacked."""
    published.put(
        tar(Item("public/index.php", b"<?php"), Item("run", b"#!", mode=0o755), folder("var"), link("l", "run"))
    )
    fetch(published, app)
    return app.release(RELEASE)


def test_frozen() -> None:
    """Seals of earlier versions can be read, and are written as they were."""
    seal = msgspec.json.decode(FROZEN, type=Seal)
    assert seal.entries[1] == Entry("bin/run", "file", 0o755, 2, "bb")
    assert msgspec.json.encode(seal) == FROZEN


def test_whole(app: AppFolder, release: Path) -> None:
    """Nothing is different in what nobody touched; and the seal is nobody else's to read."""
    assert release.is_dir()
    assert verify_seal(app, RELEASE) == []
    assert [entry.path for entry in read_seal(app, RELEASE).entries] == [
        "l",
        "public",
        "public/index.php",
        "run",
        "var",
    ]
    assert seal_path(app, RELEASE).stat().st_mode & 0o777 == 0o600


def swap_for_link(path: Path) -> None:
    """Put a link to the same content in the place of a file."""
    path.rename(path.parent / "real")
    path.symlink_to("real")


def relink(path: Path, target: str) -> None:
    """Put a link in the place of a link or an empty folder."""
    if path.is_symlink():
        path.unlink()
    else:
        path.rmdir()
    path.symlink_to(target)


def swap_for_pipe(path: Path) -> None:
    """Put a FIFO that nobody writes to in the place of a file."""
    path.unlink()
    os.mkfifo(path)


CHANGES: dict[str, tuple[Callable[[Path], object], list[str]]] = {
    "content": (lambda r: (r / "run").write_bytes(b"?!"), ["run has other content"]),
    "size": (lambda r: (r / "run").write_bytes(b"#!/"), ["run has 3 bytes, not 2"]),
    "mode": (lambda r: (r / "run").chmod(0o777), ["run has mode 0777, not 0755"]),
    "set-id": (lambda r: (r / "run").chmod(0o4755), ["run has mode 4755, not 0755"]),
    "folder's mode": (lambda r: (r / "var").chmod(0o777), ["var has mode 0777, not 0755"]),
    "top's mode": (lambda r: r.chmod(0o777), [f"/releases/{RELEASE} has mode 0777"]),
    "gone": (lambda r: (r / "run").unlink(), ["run is gone"]),
    "folder gone": (lambda r: shutil.rmtree(r / "public"), ["public is gone"]),
    "all gone": (shutil.rmtree, [f"/releases/{RELEASE} can't be opened: No such file or directory"]),
    "more": (lambda r: (r / "public/sh\x1bell.php").touch(), [r"public/sh\x1bell.php is there and was not unpacked"]),
    "folder more": (lambda r: (r / "new/deep").mkdir(parents=True), ["new is there and was not unpacked"]),
    "link elsewhere": (lambda r: relink(r / "l", "/etc/passwd"), ["l points elsewhere"]),
    "file is link": (
        lambda r: swap_for_link(r / "run"),
        ["real is there and was not unpacked", "run was a file and is a link"],
    ),
    "folder is link": (lambda r: relink(r / "var", "/"), ["var was a folder and is a link"]),
    "file is FIFO": (lambda r: swap_for_pipe(r / "run"), ["run was a file and is a special file"]),
    "not UTF-8": (
        lambda r: os.close(os.open(os.fsencode(r) + b"/\xff", os.O_CREAT)),
        ["\\udcff is there and was not unpacked"],
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_changed(app: AppFolder, release: Path, name: str) -> None:
    """Every change is told, once, by its path; nothing is followed, and nothing is waited for."""
    change, expected = CHANGES[name]
    change(release)
    found = [line.removeprefix(str(app.path)) for line in verify_seal(app, RELEASE)]
    assert found == expected


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_given_away(app: AppFolder, release: Path) -> None:
    """What belongs to somebody else can be changed by them a moment later."""
    os.chown(release / "run", 33, 33)
    assert verify_seal(app, RELEASE) == ["run belongs to user 33"]


def test_what_was_done_on_purpose(app: AppFolder, release: Path) -> None:
    """Shared paths, writable folders and secrets are no differences where they are named, and only there."""
    (release / "storage/app").mkdir(parents=True)
    (release / "storage/app/uploads").symlink_to("../../../shared/uploads")
    (release / "public/index.php").unlink()
    (release / "var").chmod(0o777)
    (release / "var/cache.php").touch()
    ignoring = frozenset({"storage/app/uploads", "public/index.php", "var"})
    assert verify_seal(app, RELEASE, ignoring) == []
    (release / "storage/app/shell.php").touch()
    assert verify_seal(app, RELEASE, ignoring) == ["storage/app/shell.php is there and was not unpacked"]
    assert len(verify_seal(app, RELEASE)) == 4


def test_without_a_seal(app: AppFolder, release: Path) -> None:
    """A release whose seal is gone, damaged or another's is not what was unpacked, as far as anybody knows."""
    assert release.is_dir()
    path = seal_path(app, RELEASE)
    path.write_bytes(FROZEN.replace(RELEASE.encode(), b"20261129T101500Z-0000000"))
    assert "is the seal of" in verify_seal(app, RELEASE)[0]
    path.write_bytes(b'{"version":2}')
    assert "no seal that this version knows" in verify_seal(app, RELEASE)[0]
    path.unlink()
    assert verify_seal(app, RELEASE) == [f"{RELEASE} has no seal: {path} is missing"]
    with pytest.raises(UsageError):
        verify_seal(app, "../r1")
