"""A release fetched: whole under its name, or nothing of it anywhere."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.unit.deploy.fetch.published import OTHER, RELEASE, SITE, Item, Published, everything, fetch, link, site, tar
from vawsum_agent.core.errors import AgentError, DeployError, Unavailable, UsageError
from vawsum_agent.deploy.fetch.fetch import fetch_release
from vawsum_agent.deploy.fetch.leftovers import clear_leftovers
from vawsum_agent.deploy.fetch.means import Means
from vawsum_agent.deploy.fetch.room import Free
from vawsum_agent.deploy.fetch.verify import verify_seal

if TYPE_CHECKING:
    from pathlib import Path

    from vawsum_agent.deploy.layout import AppFolder


def there(app: AppFolder, release: str = RELEASE) -> dict[str, bytes]:
    """The files of a release."""
    root = app.release(release)
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.mark.parametrize("suffix", [".tar.gz", ".tar.zst"])
def test_fetched(app: AppFolder, published: Published, suffix: str) -> None:
    """It is there, sealed, and nothing else is."""
    sha256 = published.put(site(), suffix=suffix)
    done = fetch(published, app, sha256=sha256)
    assert (done.release, done.sha256, done.files, done.is_new) == (RELEASE, sha256, 3, True)
    assert done.size_bytes == sum(map(len, SITE.values()))
    assert there(app) == SITE
    assert verify_seal(app, RELEASE) == []
    assert app.release(RELEASE).stat().st_mode & 0o7777 == 0o755
    assert clear_leftovers(app) == []
    assert [name for name in everything(app) if not name.startswith(f"releases/{RELEASE}")] == [
        f".vawsum/seals/{RELEASE}.json"
    ]


def test_it_is_here(app: AppFolder, published: Published) -> None:
    """What is here and whole is not asked for again, not even while S3 is away; what is meant is no damage."""
    published.put(site())
    first = fetch(published, app)
    (app.release(RELEASE) / ".env").symlink_to(f"../../secrets/{RELEASE}/.env")
    shutil.rmtree(published.folder)
    again = fetch_release(
        published, app, RELEASE, sha256=first.sha256, say=lambda _: None, ignoring=frozenset({".env"})
    )
    assert (again.sha256, again.files, again.is_new) == (first.sha256, 3, False)


@pytest.mark.parametrize("damage", ["content", "seal", "other artifact"])
def test_it_is_damaged(app: AppFolder, published: Published, damage: str) -> None:
    """What is here and is not what it should be is fetched again; secrets that belong to it stay."""
    sha256 = published.put(site())
    fetch(published, app)
    (app.secrets / RELEASE).mkdir(parents=True)
    if damage == "content":
        (app.release(RELEASE) / "public/index.php").write_bytes(b"<?php evil();")
    elif damage == "seal":
        (app.seals / f"{RELEASE}.json").unlink()
    else:
        sha256 = published.put(site({**SITE, "more": b"1"}))
    assert fetch(published, app, sha256=sha256).is_new
    assert verify_seal(app, RELEASE) == []
    assert there(app).keys() - {"more"} == SITE.keys()
    assert (app.secrets / RELEASE).is_dir()
    assert clear_leftovers(app) == []


def test_it_is_damaged_and_served(app: AppFolder, published: Published) -> None:
    """What is being served is not taken away under it."""
    published.put(site())
    fetch(published, app)
    app.current.symlink_to(app.target(RELEASE))
    (app.release(RELEASE) / "deploy.toml").write_bytes(b"x")
    with pytest.raises(
        DeployError, match=r"not what was published: deploy\.toml has 1 bytes, not 0 \(it is being served"
    ):
        fetch(published, app)
    assert there(app) == {**SITE, "deploy.toml": b"x"}


def test_it_is_damaged_and_gone(app: AppFolder, published: Published) -> None:
    """A damaged one stays until the whole one is here: it may still be of use to a person."""
    published.put(site())
    fetch(published, app)
    (app.release(RELEASE) / "deploy.toml").write_bytes(b"x")
    published.breaks = [(0, Unavailable("away"))] * 100
    with pytest.raises(Unavailable):
        fetch(published, app)
    assert there(app) == {**SITE, "deploy.toml": b"x"}


def test_s3_is_away_at_first(app: AppFolder, published: Published) -> None:
    """Broken connections only take longer."""
    published.put(site())
    published.breaks = [(0, Unavailable("away")), (100, None), (0, Unavailable("away"))]
    assert fetch(published, app).is_new
    assert there(app) == SITE


def test_secrets_that_came_first(app: AppFolder, published: Published) -> None:
    """A removal that was cut off takes the secrets along that were there then, not those that came for the release."""
    published.put(site())
    for release in (RELEASE, OTHER):
        (app.releases / f".{release}.removing").mkdir(parents=True)
        (app.secrets / release).mkdir(parents=True)
    fetch(published, app)
    assert [path.name for path in app.secrets.iterdir()] == [RELEASE]
    assert [path.name for path in app.releases.iterdir()] == [RELEASE]


def cut(published: Published) -> None:
    """An artifact that was published truncated, with the checksum of what is there."""
    published.put(site())
    published.put_packed((published.folder / f"{RELEASE}.tar.gz").read_bytes()[:-20])


def swapped(published: Published) -> None:
    """An artifact that is not the one of the checksum."""
    published.put(site())
    (published.folder / f"{RELEASE}.tar.gz").write_bytes(b"x" * 5000)


def unchecked(published: Published) -> None:
    """An artifact without a checksum."""
    published.put(site())
    (published.folder / f"{RELEASE}.sha256").unlink()


def bomb(published: Published) -> None:
    """An artifact of next to nothing that is a gigabyte; a real one, cut to what it costs to refuse."""
    published.put(tar(Item("zeros", size=5 << 30), how=1))


FAILURES = {
    "truncated": (cut, f"s3://artifacts/web/{RELEASE}.tar.gz is refused: it is truncated"),
    "swapped": (swapped, "is refused: it has the SHA-256"),
    "no checksum": (unchecked, "there is no release"),
    "bomb": (bomb, "'zeros' has 5,368,709,120 bytes: too large"),
    "out": (lambda published: published.put(tar(Item("a"), Item("../../etc/cron.d/x"))), "leads out of the release"),
    "link out": (
        lambda published: published.put(tar(Item("a"), link("b/c", "../../x"))),
        "'b/c' is a link that leads out",
    ),
    "never published": (lambda _: None, "there is no release"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_failures(app: AppFolder, published: Published, name: str) -> None:
    """One line each; nothing half-done is left, and what was here stays."""
    published.put(site(), OTHER)
    fetch(published, app, OTHER)
    before = everything(app)
    publish, reason = FAILURES[name]
    publish(published)
    with pytest.raises(AgentError, match=reason) as failed:
        fetch(published, app)
    assert "\n" not in str(failed.value)
    assert everything(app) == before
    assert verify_seal(app, OTHER) == []


@pytest.mark.parametrize("free", [Free(100, 1000, None, 0), Free(1 << 40, 1 << 40, 1, 1000)], ids=["disk", "inodes"])
def test_no_room(app: AppFolder, published: Published, free: Free) -> None:
    """It is told before anything is downloaded."""
    published.put(site())
    with pytest.raises(DeployError, match=f"^{RELEASE} needs .* has .* free in {app.releases}"):
        fetch_release(published, app, RELEASE, sha256=None, say=lambda _: None, means=Means(look=lambda _: free))
    assert published.asked == []
    assert everything(app) == []


@pytest.mark.parametrize("name", ["../r1", "", "r1\n", "--help", f"{RELEASE}\n", f"{RELEASE}/x"])
def test_names(app: AppFolder, published: Published, name: str) -> None:
    """Only the name of a release gets as far as a path."""
    with pytest.raises(UsageError):
        fetch(published, app, name)
    assert not app.path.exists()


def test_folders_of_others(app: AppFolder, published: Published, tmp_path: Path) -> None:
    """Where somebody else decides what is in the folders, nothing is done."""
    published.put(site())
    (tmp_path / "elsewhere").mkdir()
    app.path.mkdir()
    app.releases.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DeployError, match="is a symbolic link"):
        fetch(published, app)
    app.releases.unlink()
    app.releases.mkdir()
    app.releases.chmod(0o777)
    with pytest.raises(DeployError, match="can be written by everybody"):
        fetch(published, app)
    assert list((tmp_path / "elsewhere").iterdir()) == []
