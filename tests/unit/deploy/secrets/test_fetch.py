"""Secrets on this host: all or none, pinned to the release, nobody else's to read, and whole whatever dies."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from tests.counts import count
from tests.unit.deploy.secrets.vault import FOLDER, Vault
from tests.unit.deploy.switch.dying import is_killed_at
from vawsum_agent.core.errors import DeployError, Unavailable, UsageError
from vawsum_agent.deploy.layout import AppFolder
from vawsum_agent.deploy.secrets import Secrets, clear_secrets, fetch_secrets, read_secrets
from vawsum_agent.deploy.secrets.source import LARGEST_BYTES
from vawsum_agent.deploy.switch import switch_to

if TYPE_CHECKING:
    from pathlib import Path

OLD, NEW = "20261128T101500Z-4f2a91c", "20261129T101500Z-8c31d02"
GROUP = "www-data"


@pytest.fixture
def app(tmp_path: Path) -> AppFolder:
    """An application with two releases; the old one is served."""
    app = AppFolder(tmp_path / "app")
    for release in (OLD, NEW):
        app.release(release).mkdir(parents=True)
    switch_to(app, OLD)
    return app


@pytest.fixture
def vault() -> Vault:
    """Two secrets, one of them in a folder."""
    vault = Vault()
    vault.put(".env", b"DB_PASSWORD=hunter2\n")
    vault.put("config/app.key", b"opaque-key\n")
    return vault


def fetch(vault: Vault | None, app: AppFolder, release: str = NEW, *, renew: bool = True) -> Secrets:
    """Without waiting."""
    return fetch_secrets(vault, app, release, group=GROUP, renew=renew, say=lambda _: None, sleep=lambda _: None)


def on_disk(app: AppFolder, release: str = NEW) -> dict[str, bytes]:
    """All files there are for a release."""
    folder = app.secrets / release
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def everything(app: AppFolder) -> dict[str, tuple[int, float, bytes]]:
    """All there is, by inode and time."""
    found = {}
    for path in sorted(app.path.rglob("*")):
        status = path.lstat()
        body = path.read_bytes() if path.is_file() else b""
        found[str(path)] = (status.st_ino, status.st_mtime, body)
    return found


def test_secrets_become_files_of_the_release(app: AppFolder, vault: Vault) -> None:
    """At the same relative paths, and what is in them is known for taking it out of what is said."""
    secrets = fetch(vault, app)
    assert secrets.paths == {".env", "config/app.key"}
    assert {b"hunter2", b"opaque-key"} <= set(secrets.values)
    assert on_disk(app) == {".env": b"DB_PASSWORD=hunter2\n", "config/app.key": b"opaque-key\n"}
    assert read_secrets(app, NEW) == secrets
    assert read_secrets(app, OLD) == Secrets()
    assert b"hunter2" not in repr(secrets).encode()
    (app.secrets / NEW / ".env").unlink()
    assert read_secrets(app, NEW).paths == secrets.paths


@pytest.mark.parametrize("umask", [0o077, 0o000])
def test_only_root_and_the_group_can_read_them(app: AppFolder, vault: Vault, umask: int) -> None:
    """Whatever the umask; the pins, which name versions, are root's alone and hold no value."""
    before = os.umask(umask)
    try:
        fetch(vault, app)
    finally:
        os.umask(before)
    for path in (app.secrets, app.secrets / NEW, app.secrets / NEW / "config"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o750
        assert os.geteuid() != 0 or path.group() == GROUP
    for path in (app.secrets / NEW / ".env", app.secrets / NEW / "config/app.key"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
        assert os.geteuid() != 0 or (path.owner(), path.group()) == ("root", GROUP)
    pins = app.journal / "secrets" / f"{NEW}.json"
    assert stat.S_IMODE(pins.stat().st_mode) == 0o600
    assert stat.S_IMODE(pins.parent.stat().st_mode) == 0o700
    assert b"hunter2" not in pins.read_bytes()


def test_a_release_keeps_the_versions_it_was_prepared_with(app: AppFolder, vault: Vault) -> None:
    """A rollback asks nobody where they are whole, and S3 for exactly those where they are not."""
    fetch(vault, app)
    vault.put(".env", b"DB_PASSWORD=another\n")
    vault.put("later", b"more")
    asked = vault.asked
    assert fetch(vault, app, renew=False).paths == {".env", "config/app.key"}
    assert fetch(None, app, renew=False).paths == {".env", "config/app.key"}
    assert vault.asked == asked
    for damage in ("gone", "changed", "readable"):
        file = app.secrets / NEW / ".env"
        if damage == "gone":
            file.unlink()
        elif damage == "changed":
            file.write_bytes(b"DB_PASSWORD=mine\n")
        else:
            file.chmod(0o644)
        fetch(vault, app, renew=False)
        assert on_disk(app)[".env"] == b"DB_PASSWORD=hunter2\n"
        assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert fetch(vault, app).paths == {".env", "config/app.key", "later"}
    assert on_disk(app)[".env"] == b"DB_PASSWORD=another\n"


def test_what_is_gone_for_good_is_told(app: AppFolder, vault: Vault) -> None:
    """A version that was removed, another folder in the configuration, none there: nothing is made up instead."""
    fetch(vault, app)
    (app.secrets / NEW / ".env").unlink()
    with pytest.raises(DeployError, match="are gone from") as caught:
        fetch(None, app, renew=False)
    assert FOLDER in caught.value.hint
    vault.versions[".env"] = [("another", b"DB_PASSWORD=another\n")]
    with pytest.raises(DeployError, match=r"vawsum-web/\.env has no version \.env-0 any more"):
        fetch(vault, app, renew=False)
    vault.versions[".env"] = [(".env-0", b"DB_PASSWORD=forged\n")]
    with pytest.raises(DeployError, match=r"is not what version \.env-0 was"):
        fetch(vault, app, renew=False)
    vault.folder = "s3://elsewhere/"
    with pytest.raises(DeployError, match="the release's secrets are in s3://vawsum-secrets/vawsum-web/"):
        fetch(vault, app, renew=False)


def test_the_release_that_is_served_keeps_its_secrets(app: AppFolder, vault: Vault) -> None:
    """Newer ones would be served without a drain: they come with a new release. Nor are its own removed."""
    fetch(vault, app)
    switch_to(app, NEW)
    vault.put(".env", b"DB_PASSWORD=another\n")
    before = everything(app)
    said: list[str] = []
    fetch_secrets(vault, app, NEW, group=GROUP, renew=True, say=said.append)
    assert everything(app) == before
    assert "publish a new release" in said[0]
    with pytest.raises(DeployError, match="is being served, so its secrets stay"):
        clear_secrets(app, NEW)
    assert fetch(vault, app, OLD) == fetch(vault, app, OLD, renew=False)


def test_a_release_that_had_no_secrets_gets_none(app: AppFolder, vault: Vault) -> None:
    """Neither where none are configured, nor when it comes back after they were."""
    assert fetch(None, app) == Secrets()
    assert fetch(vault, app, OLD, renew=False) == Secrets()
    fetch(vault, app)
    assert fetch(None, app) == Secrets()
    assert (on_disk(app), read_secrets(app, NEW)) == ({}, Secrets())


@pytest.mark.parametrize(
    ("name", "content", "version_id", "message"),
    [
        (".env", None, "", "vawsum-web/.env was deleted"),
        (".env", b"", "", "vawsum-web/.env is empty"),
        (".env", b" \n", "", "vawsum-web/.env is empty"),
        (".env", b"x", "null", "vawsum-web/.env has no version"),
        (".env", bytes(LARGEST_BYTES + 1), "", "where a secret has at most 1048576"),
        ("../../etc/cron.d/x", b"x", "", "'../../etc/cron.d/x' can't be the name of a secret"),
        ("a\nb", b"x", "", "can't be the name of a secret"),
        (".env/x", b"x", "", "another inside of it"),
    ],
)
def test_a_bad_secret_fails_before_anything_is_touched(
    app: AppFolder, vault: Vault, name: str, content: bytes | None, version_id: str, message: str
) -> None:
    """One line, and all that is on this host is as it was."""
    vault.put(name, content, version_id)
    before = everything(app)
    with pytest.raises(DeployError) as caught:
        fetch(vault, app)
    assert message in caught.value.message
    assert str(caught.value).isprintable()
    assert everything(app) == before


def test_no_secrets_where_some_are_configured_is_a_failure(app: AppFolder) -> None:
    """An empty folder, one that only has a console's mark of a folder, one where all are deleted."""
    vault = Vault()
    for name, content in {"": b"", "config/": b"", ".env": None}.items():
        with pytest.raises(DeployError, match="no secret is below s3://vawsum-secrets/vawsum-web/"):
            fetch(vault, app)
        vault.put(name, content)
    vault.put("app.key", b"opaque-key")
    with pytest.raises(DeployError, match="was deleted"):
        fetch(vault, app)
    vault.versions.pop(".env")
    assert fetch(vault, app).paths == {"app.key"}


def test_a_short_outage_is_waited_out(app: AppFolder, vault: Vault) -> None:
    """And a long one is told, with nothing touched."""
    vault.failing = 3
    waits: list[float] = []
    fetch_secrets(vault, app, NEW, group=GROUP, renew=True, say=lambda _: None, sleep=waits.append)
    assert len(waits) == 3
    before = everything(app)
    vault.failing = 100
    with pytest.raises(Unavailable):
        fetch(vault, app)
    assert everything(app) == before


def test_folders_that_others_may_write_to_are_refused(app: AppFolder, vault: Vault, tmp_path: Path) -> None:
    """Neither a folder that everybody may write to, nor a link in its place: root writes to what is root's."""
    (tmp_path / "elsewhere").mkdir()
    app.journal.mkdir()
    (app.journal / "secrets").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DeployError, match="symbolic link"):
        fetch(vault, app)
    (app.journal / "secrets").unlink()
    app.secrets.mkdir()
    app.secrets.chmod(0o777)
    with pytest.raises(DeployError, match="can be written by everybody"):
        fetch(vault, app)
    assert [*(tmp_path / "elsewhere").iterdir(), *app.secrets.iterdir()] == []
    with pytest.raises(UsageError):
        fetch(vault, app, "../r1")


def test_removed_is_removed(app: AppFolder, vault: Vault) -> None:
    """Files and pins; twice is as once, and the other release's stay."""
    fetch(vault, app)
    other = "20261127T101500Z-1"
    fetch(vault, app, other)
    for _ in range(2):
        clear_secrets(app, NEW)
        assert sorted(path.name for path in app.secrets.iterdir()) == [other]
        assert [path.name for path in (app.journal / "secrets").iterdir()] == [f"{other}.json"]


def test_killed_anywhere_the_next_call_makes_it_whole(app: AppFolder, vault: Vault) -> None:
    """Fetching over an earlier set: no file is ever half one; then all is whole, by the pins, or removed."""
    fetch(vault, app)
    earlier = on_disk(app)
    later = {".env": b"DB_PASSWORD=another\n", "config/more/x.json": b"{}", "config/app.key": b"opaque-key\n"}
    deed, is_killed = 1, True
    while is_killed:
        clear_secrets(app, NEW)
        vault.versions = {name: [(f"{name}-0", content)] for name, content in earlier.items()}
        fetch(vault, app)
        for name, content in later.items():
            vault.put(name, content)
        is_killed = is_killed_at(deed, lambda: fetch(vault, app))
        seen = {path: content for path, content in on_disk(app).items() if ".vawsum-" not in path}
        assert set(seen.values()) <= {*earlier.values(), *later.values()}
        fetch(vault, app, renew=False)
        assert on_disk(app) in (earlier, later)
        assert is_killed or on_disk(app) == later
        deed += count(3, 1)
    assert deed > 20


def test_removing_is_finished_by_the_next_call(app: AppFolder, vault: Vault) -> None:
    """Killed anywhere in it."""
    deed, is_killed = 1, True
    while is_killed:
        fetch(vault, app)
        is_killed = is_killed_at(deed, lambda: clear_secrets(app, NEW))
        clear_secrets(app, NEW)
        assert not (app.secrets / NEW).exists()
        assert read_secrets(app, NEW) == Secrets()
        deed += 1
    assert deed > 5
