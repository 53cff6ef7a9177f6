"""Which folders a helper may touch."""

from __future__ import annotations

import os
import pwd
from typing import TYPE_CHECKING

import pytest

from tests.unit.config.configurations import write
from vawsum_agent.images.remove.folders import OwnFolders
from vawsum_agent.images.remove.removal import RemoverError

if TYPE_CHECKING:
    from pathlib import Path

NOBODY = pwd.getpwnam("nobody").pw_uid


def folder(name: str, owner: str) -> str:
    """A table of a folder."""
    return (
        f'[[images.folder]]\nname = "{name}"\npath = "/var/www/{name}"\nbucket = "vawsum-images"\n'
        f'public_url = "https://images.vawsum.com/{name}/"\nowner = "{owner}"\n'
    )


def test_own_folders_alone(tmp_path: Path) -> None:
    """A helper finds the folders of its user, and of these only what name and path agree on."""
    config = write(tmp_path, folder("app", "nobody") + folder("other", "daemon"), more=folder("more", "nobody"))
    folders = OwnFolders(config, NOBODY)
    assert folders.find("app", "/var/www/app").bucket == "vawsum-images"
    assert folders.find("more", "/var/www/more").owner == "nobody"
    for name, path, message in (
        ("other", "/var/www/other", "belongs to daemon"),
        ("app", "/var/www/more", "no folder 'app' at /var/www/more"),
        ("none", "/etc", "no folder 'none'"),
    ):
        with pytest.raises(RemoverError, match=message) as caught:
            folders.find(name, path)
        assert caught.value.hint


def test_unknown_owner(tmp_path: Path) -> None:
    """A folder of a user that does not exist is nobody's."""
    config = write(tmp_path, folder("app", "no-such-user"))
    with pytest.raises(RemoverError, match="belongs to no-such-user"):
        OwnFolders(config, NOBODY).find("app", "/var/www/app")


def test_changes_hold_at_once(tmp_path: Path) -> None:
    """A folder that is taken out of the configuration is not touched from then on; one that came is found."""
    config = write(tmp_path, folder("app", "nobody"), more=folder("more", "nobody"))
    folders = OwnFolders(config, NOBODY)
    folders.find("more", "/var/www/more")
    (tmp_path / "conf.d/more.toml").unlink()
    with pytest.raises(RemoverError):
        folders.find("more", "/var/www/more")
    (tmp_path / "conf.d/late.toml").write_text(folder("late", "nobody"))
    folders.find("late", "/var/www/late")
    before = config.stat()
    config.write_text(folder("new", "nobody"))
    os.utime(config, ns=(before.st_atime_ns, before.st_mtime_ns))
    folders.find("new", "/var/www/new")


def test_bad_configuration(tmp_path: Path) -> None:
    """While the configuration is refused nothing is done, and why is told; mended, it goes on."""
    config = write(tmp_path, folder("app", "nobody"))
    folders = OwnFolders(config, NOBODY)
    folders.find("app", "/var/www/app")
    config.write_text("[images]\nnonsense = 1\n" + folder("app", "nobody"))
    with pytest.raises(RemoverError, match="nonsense"):
        folders.find("app", "/var/www/app")
    config.write_text(folder("app", "nobody"))
    folders.find("app", "/var/www/app")
