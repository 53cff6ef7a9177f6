"""Shared and writable paths: linked and given away, whatever died in the middle, and never through a link."""

from __future__ import annotations

import os
import pwd
import stat
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from tests.counts import count
from vawsum_agent.core.errors import DeployError
from vawsum_agent.deploy.hooks.release_file import Hook, Hooks, ReleaseFile
from vawsum_agent.deploy.layout import AppFolder
from vawsum_agent.deploy.prepare.prepare import prepare

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

IS_ROOT = os.geteuid() == 0
RELEASE = "20261129T101500Z-4f2a91c"
WEB_USER = "nobody"
WEB = pwd.getpwnam(WEB_USER)


@dataclass
class App:
    """An application with one unpacked release."""

    folder: AppFolder
    said: list[str] = field(default_factory=list)

    @property
    def release(self) -> Path:
        """The folder of the release."""
        return self.folder.release(RELEASE)

    def prepare(self, *shared: str, writable: tuple[str, ...] = (), hooks: Hooks | None = None) -> frozenset[str]:
        """Prepare the release."""
        file = ReleaseFile(hooks=hooks or Hooks(), shared=list(shared), writable=list(writable))
        return prepare(self.folder, RELEASE, file, web_user=WEB_USER, say=self.said.append)


@pytest.fixture
def app(tmp_path: Path) -> App:
    """An application in a folder of its own."""
    made = App(AppFolder(tmp_path / "app"))
    made.release.mkdir(parents=True)
    (made.release / "index.php").write_text("<?php")
    return made


def is_web_users(path: Path) -> bool:
    """Whether the application may write there; to one user alone everything is his."""
    return path.stat().st_uid == (WEB.pw_uid if IS_ROOT else os.geteuid())


def test_nothing_to_do(app: App) -> None:
    """A release that asks for nothing is left as it is."""
    assert app.prepare() == frozenset()
    assert [path.name for path in app.release.iterdir()] == ["index.php"]
    assert not app.folder.shared.exists()


def test_links(app: App) -> None:
    """A shared path is seen through the release, by a link that holds wherever the application's folder is moved."""
    (app.folder.shared / "public/uploads").mkdir(parents=True)
    (app.folder.shared / "public/uploads/cat.jpg").write_text("a cat")
    (app.folder.shared / ".env.local").write_text("A=b")
    assert app.prepare("public/uploads", ".env.local") == {"public/uploads", ".env.local"}
    moved = app.folder.path.rename(app.folder.path.parent / "moved") / "releases" / RELEASE
    assert (moved / "public/uploads/cat.jpg").read_text() == "a cat"
    assert (moved / ".env.local").readlink().as_posix() == "../../shared/.env.local"
    assert app.said == ["2 shared paths linked, 0 writable folders"]


def test_again(app: App) -> None:
    """What was prepared can be prepared again, with the same result."""
    for _ in range(2):
        assert app.prepare("cache/", writable=("storage/logs",)) == {"cache"}
    assert (app.release / "cache").readlink().as_posix() == "../../shared/cache"


def test_missing(app: App) -> None:
    """Something shared that is not there fails, in words, and nothing is linked: an empty one would hide it."""
    (app.folder.shared / "a").mkdir(parents=True)
    with pytest.raises(DeployError, match=r"^shared/b is missing, which the release shares \(put it there"):
        app.prepare("a", "b")
    assert not (app.release / "a").is_symlink()


def test_folder_that_may_begin_empty(app: App) -> None:
    """A path with a slash at its end is made, for the application to write to; one that is there stays whose it is."""
    (app.folder.shared / "full").mkdir(parents=True, mode=0o755)
    (app.folder.shared / "full/file").touch()
    app.prepare("public/uploads/", "full/")
    made = app.folder.shared / "public/uploads"
    assert is_web_users(made)
    assert stat.S_IMODE(made.stat().st_mode) == 0o775
    assert made.parent.stat().st_uid == os.geteuid()
    assert (app.folder.shared / "full").stat().st_uid == os.geteuid()


def test_empty_folder_that_is_there(app: App) -> None:
    """It keeps its owner and mode as well: another disk may be mounted there later, or keys be kept in it."""
    keys = app.folder.shared / "keys"
    keys.mkdir(parents=True, mode=0o700)
    app.prepare("keys/")
    assert keys.stat().st_uid == os.geteuid()
    assert stat.S_IMODE(keys.stat().st_mode) == 0o700


def test_what_a_crash_left_beside_it(app: App) -> None:
    """Folders that never got their name go; what the application wrote into one in the meantime is in nobody's way."""
    for name in (".vawsum-new-1", ".vawsum-new-2/x", ".vawsum-quarantine"):
        (app.folder.shared / name).mkdir(parents=True)
    app.prepare("uploads/")
    left = {path.name for path in app.folder.shared.iterdir()}
    assert left == {".vawsum-new-2", ".vawsum-quarantine", "uploads"}


def test_file_where_a_folder_should_be(app: App) -> None:
    """Is told of."""
    app.folder.shared.mkdir()
    (app.folder.shared / "uploads").touch()
    with pytest.raises(DeployError, match="shared/uploads/ is no folder"):
        app.prepare("uploads/")


def test_shared_on_another_disk(app: App, tmp_path: Path) -> None:
    """An administrator may link a shared path, or all of them, to another disk; a link to nothing is missing."""
    (tmp_path / "disk/uploads").mkdir(parents=True)
    app.folder.shared.symlink_to(tmp_path / "disk")
    (tmp_path / "disk/more").symlink_to("uploads")
    (tmp_path / "disk/broken").symlink_to("nothing")
    app.prepare("uploads", "more/")
    assert (app.release / "more").is_dir()
    with pytest.raises(DeployError, match="shared/broken is missing"):
        app.prepare("broken")


def test_no_link_on_the_way_to_what_is_shared(app: App, tmp_path: Path) -> None:
    """The application may put links into its folders: none leads root anywhere, nothing is made through one."""
    (tmp_path / "outside").mkdir()
    app.folder.shared.mkdir()
    (app.folder.shared / "a").symlink_to(tmp_path / "outside")
    (app.folder.shared / "b").symlink_to(tmp_path / "outside/b")
    for path in ("a/uploads/", "a/x", "b/"):
        with pytest.raises(DeployError, match=r"can't be used: a part of it is a link or a file"):
            app.prepare(path)
    assert list((tmp_path / "outside").iterdir()) == []


@pytest.mark.parametrize("names", [[], [".gitkeep"], [".gitignore", ".keep"]])
def test_placeholder(app: App, names: list[str]) -> None:
    """A folder in the release that only keeps the place gives way."""
    (app.release / "uploads").mkdir()
    for name in names:
        (app.release / "uploads" / name).touch()
    app.prepare("uploads/")
    assert (app.release / "uploads").is_symlink()


@pytest.mark.parametrize(
    "ship",
    [
        lambda path: path.write_text("x"),
        lambda path: (path.mkdir(), (path / "file").touch()),
        lambda path: path.symlink_to("index.php"),
    ],
)
def test_what_the_release_ships(app: App, ship: Callable[[Path], None]) -> None:
    """Nothing of a release is thrown away: it is refused."""
    ship(app.release / "uploads")
    with pytest.raises(DeployError, match=r"the release ships uploads itself, which its deploy.toml shares"):
        app.prepare("uploads/")
    assert os.path.lexists(app.release / "uploads")
    assert not (app.release / "uploads").is_symlink() or (app.release / "uploads").readlink().name == "index.php"


def test_no_link_on_the_way_in_the_release(app: App, tmp_path: Path) -> None:
    """A release may hold links: nothing is made through them."""
    (tmp_path / "outside").mkdir()
    (app.release / "public").symlink_to(tmp_path / "outside")
    (app.release / "cache").symlink_to(tmp_path / "outside")
    with pytest.raises(DeployError, match=r"public/uploads/ can't be linked .* a part of it is a link"):
        app.prepare("public/uploads/")
    for path in ("public/x", "cache"):
        with pytest.raises(DeployError, match=f"{path} can't be made writable: a part of it is a link"):
            app.prepare(writable=(path,))
    assert list((tmp_path / "outside").iterdir()) == []


def test_writable(app: App) -> None:
    """A folder is the application's with all that is in it, made where it is missing; what is around it is not."""
    (app.release / "storage/cache/views").mkdir(parents=True)
    (app.release / "storage/cache/views/a.php").touch()
    (app.release / "storage/cache/link").symlink_to("/etc/passwd")
    app.prepare(writable=("storage/cache", "storage/logs/"))
    for path in ("storage/cache", "storage/cache/views", "storage/cache/views/a.php", "storage/logs"):
        assert is_web_users(app.release / path), path
    assert stat.S_IMODE((app.release / "storage/logs").stat().st_mode) == 0o775
    assert (app.release / "storage").stat().st_uid == os.geteuid()
    assert stat.S_IMODE((app.release / "storage").stat().st_mode) == 0o755
    assert os.stat("/etc/passwd").st_uid == 0  # noqa: PTH116 - what a link leads to


def test_second_names_are_not_given_away(app: App) -> None:
    """A file in a writable folder may be code by its other name: whoever writes to the one writes to the other."""
    (app.release / "cache").mkdir()
    (app.release / "cache/a.php").hardlink_to(app.release / "index.php")
    with pytest.raises(DeployError, match=r"cache/a.php has a second name"):
        app.prepare(writable=("cache",))
    assert (app.release / "index.php").stat().st_uid == os.geteuid()


@pytest.mark.skipif(not IS_ROOT, reason="only root gives anything away")
def test_what_was_given_is_not_entered_again(app: App) -> None:
    """The application owns it since, and may have put anything there: root changes nothing in it any more."""
    (app.release / "storage/cache").mkdir(parents=True)
    app.prepare(writable=("storage",))
    (app.release / "storage/cache/mine").hardlink_to(app.release / "index.php")
    (app.release / "storage/cache/roots").touch()
    app.prepare(writable=("storage",))
    assert (app.release / "index.php").stat().st_uid == 0
    assert (app.release / "storage/cache/roots").stat().st_uid == 0


@pytest.mark.skipif(not IS_ROOT, reason="only root gives anything away")
def test_folders_of_others_are_not_worked_in(app: App) -> None:
    """A folder of the release that somebody else may write to is not one that root makes anything in."""
    (app.release / "theirs").mkdir()
    os.chown(app.release / "theirs", 12345, 12345)
    (app.release / "open").mkdir()
    (app.release / "open").chmod(0o777)
    for path in ("theirs/x", "open/x"):
        with pytest.raises(DeployError, match="would be in a folder of the release that others may write to"):
            app.prepare(writable=(path,))
    with pytest.raises(DeployError, match="theirs in the release belongs to somebody else"):
        app.prepare(writable=("theirs",))


_CHANGES = ("os.mkdir", "os.rmdir", "os.remove", "os.rename", "os.symlink", "os.chmod", "os.chown")


def dies_at_change(app: App, number: int, work: Callable[[App], object]) -> bool:
    """Do it in a process that is gone right before its change of this number; False when there are not so many."""
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 9
    left = number

    def die(event: str, _arguments: object) -> None:
        nonlocal left
        left -= event in _CHANGES
        if left < 0:
            os._exit(9)

    sys.addaudithook(die)
    try:
        os.umask(0o077)
        work(app)
    finally:
        os._exit(0)


def seen(app: App) -> list[tuple[str, int, int, str]]:
    """All that there is, and whose."""
    return sorted(
        (
            path.relative_to(app.folder.path).as_posix(),
            (status := path.lstat()).st_mode,
            status.st_uid,
            path.readlink().as_posix() if path.is_symlink() else "",
        )
        for path in app.folder.path.rglob("*")
    )


def test_died_anywhere(tmp_path: Path) -> None:
    """Killed before any change it makes, it is carried out again and ends as it would have at once."""

    def work(of: App) -> object:
        return of.prepare("uploads/", "a/b/c/", writable=("w", "new/x"))

    def unpacked(name: str) -> App:
        made = App(AppFolder(tmp_path / name))
        for path in ("uploads", "w/a/b", "w/c"):
            (made.release / path).mkdir(parents=True)
        for path in ("uploads/.gitkeep", "w/a/b/file", "w/file"):
            (made.release / path).touch()
        return made

    app = unpacked("at-once")
    work(app)
    expected = seen(app)
    number = 0
    while dies_at_change(dying := unpacked(f"dies-{number}"), number, work):
        work(dying)
        assert seen(dying) == expected, number
        number += count(3, 1)
    assert seen(dying) == expected
    assert number > 15


def test_users_are_looked_up_before_anything_is_done(app: App) -> None:
    """A hook whose user does not exist fails while the host still serves, not once it is drained."""
    hooks = Hooks(switched=Hook(run="true", user="nemo"))
    with pytest.raises(DeployError, match="hooks are to run as nemo"):
        app.prepare("uploads/", hooks=hooks)
    assert not app.folder.shared.exists()


@pytest.mark.skipif(not IS_ROOT, reason="anybody else gives nothing away")
def test_a_web_user_that_does_not_exist(app: App) -> None:
    """Is told of in words."""
    file = ReleaseFile(writable=["cache"])
    with pytest.raises(DeployError, match="this host has no user nemo"):
        prepare(app.folder, RELEASE, file, web_user="nemo", say=app.said.append)


def test_a_release_that_is_not_there(app: App) -> None:
    """Is told of in words."""
    (app.release / "index.php").unlink()
    app.release.rmdir()
    with pytest.raises(DeployError, match="can't be opened: No such file"):
        app.prepare("uploads/")
