"""The link that is served: whole at every instant, and put back to exactly what it was."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import pytest

from tests.unit.deploy.switch.dying import is_killed_at
from vawsum_agent.core.errors import DeployError
from vawsum_agent.deploy.layout import AppFolder
from vawsum_agent.deploy.switch import link_of, restore_link, switch_to, switched_at

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

OLD, NEW = "20261128T101500Z-4f2a91c", "20261129T101500Z-8c31d02"


@pytest.fixture
def app(tmp_path: Path) -> AppFolder:
    """An application with two releases, none of them served yet."""
    app = AppFolder(tmp_path / "app")
    for release in (OLD, NEW):
        app.release(release).mkdir(parents=True)
    return app


def names(app: AppFolder) -> list[str]:
    """All that lies in the application's folder."""
    return sorted(path.name for path in app.path.iterdir())


def test_current_points_to_the_release_by_a_relative_link(app: AppFolder) -> None:
    """The first time and each time after; a relative link means the same in a chroot; nothing else is left."""
    for release in (OLD, NEW, NEW, OLD):
        switch_to(app, release)
        assert str(app.current.readlink()) == f"releases/{release}"
        assert app.current_release() == release
    assert names(app) == ["current", "releases"]


def test_a_switch_that_is_done_is_not_done_again(app: AppFolder) -> None:
    """Called again, it leaves the link alone: when it was switched stays known."""
    assert switched_at(app) is None
    switch_to(app, NEW)
    os.utime(app.current, (1000.5, 1000.5), follow_symlinks=False)
    switch_to(app, NEW)
    assert switched_at(app) == 1000.5
    switch_to(app, OLD)
    assert switched_at(app) != 1000.5


def test_there_is_a_link_at_every_instant(app: AppFolder) -> None:
    """Whoever looks all the time sees the one release or the other, never none."""
    switch_to(app, OLD)
    ended, seen = threading.Event(), set()

    def look() -> None:
        while not ended.is_set():
            seen.add(str(app.current.readlink()))

    looking = threading.Thread(target=look)
    looking.start()
    for _ in range(50):
        switch_to(app, NEW)
        switch_to(app, OLD)
    ended.set()
    looking.join()
    assert seen <= {app.target(OLD), app.target(NEW)}


def test_what_a_killed_switch_left_is_removed(app: AppFolder) -> None:
    """Its link that never got its name goes, whichever process made it; a file that only looks like one stays."""
    switch_to(app, OLD)
    for pid in (1, os.getpid()):
        (app.path / f".current.{pid}.new").symlink_to("releases/elsewhere")
    (app.path / ".current.mine.new").write_text("")
    switch_to(app, NEW)
    assert names(app) == [".current.mine.new", "current", "releases"]
    assert app.current_release() == NEW


@pytest.mark.parametrize("link", ["/srv/www/before", "before", f"releases/{OLD}", None])
def test_what_was_there_is_put_back_exactly(app: AppFolder, link: str | None) -> None:
    """A link of ours, a link to anywhere, or nothing; twice is as once."""
    if link is not None:
        app.current.symlink_to(link)
    before = link_of(app)
    assert before == link
    switch_to(app, NEW)
    for _ in range(2):
        restore_link(app, before)
        assert link_of(app) == link
    assert names(app) == ([] if link is None else ["current"]) + ["releases"]


def test_a_real_folder_is_never_replaced(app: AppFolder) -> None:
    """It is refused, with what to do once, and everything in it stays."""
    app.current.mkdir()
    (app.current / "index.php").write_text("served")
    acts: list[Callable[[], object]] = [
        lambda: switch_to(app, NEW),
        lambda: restore_link(app, None),
        lambda: link_of(app),
    ]
    for act in acts:
        with pytest.raises(DeployError) as caught:
            act()
        assert caught.value.message.endswith("is a folder, and no link that could be switched")
        assert f"mv {app.current} {app.path}/before && ln -s before {app.current}" in caught.value.hint
    assert (app.current / "index.php").read_text() == "served"
    assert switched_at(app) is None


def test_a_release_that_is_not_there_is_not_switched_to(app: AppFolder) -> None:
    """No folder, a link in its place, a file: the old release goes on being served."""
    switch_to(app, OLD)
    (app.releases / "20261129T101500Z-1").symlink_to(NEW)
    (app.releases / "20261129T101500Z-2").write_text("")
    for release in ("20261129T101500Z-0", "20261129T101500Z-1", "20261129T101500Z-2"):
        with pytest.raises(DeployError, match="is no folder"):
            switch_to(app, release)
    assert app.current_release() == OLD


def test_a_folder_that_others_may_write_to_is_refused(app: AppFolder) -> None:
    """Whoever may rename what is in it decides what is served."""
    switch_to(app, OLD)
    app.path.chmod(0o777)
    acts: list[Callable[[], object]] = [lambda: switch_to(app, NEW), lambda: restore_link(app, None)]
    for act in acts:
        with pytest.raises(DeployError, match="can be written by everybody"):
            act()
    assert app.current_release() == OLD


@pytest.mark.parametrize("before", [OLD, None])
def test_a_switch_killed_anywhere_leaves_the_one_or_the_other(app: AppFolder, before: str | None) -> None:
    """Then it can be done, or taken back, and nothing of the killed one is left."""
    link = None if before is None else app.target(before)
    deed = 1
    while True:
        restore_link(app, link)
        is_killed = is_killed_at(deed, lambda: switch_to(app, NEW))
        assert app.current_release() in {before, NEW}
        if deed % 2:
            switch_to(app, NEW)
            assert app.current_release() == NEW
        else:
            restore_link(app, link)
            assert app.current_release() == before
        assert set(names(app)) <= {"current", "releases"}
        if not is_killed:
            break
        deed += 1
    assert deed > 3
