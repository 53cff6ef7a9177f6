"""Where others may write, nothing is believed, opened, held or waited for."""

from __future__ import annotations

import errno
import os
import struct
from typing import TYPE_CHECKING

import pytest

from vawsum_agent.core.clock import SystemClock
from vawsum_agent.core.errors import DeployError
from vawsum_agent.deploy.hooks.release_file import load_release_file
from vawsum_agent.deploy.journal import Journal
from vawsum_agent.deploy.layout import AppFolder
from vawsum_agent.deploy.lock import Holder, locked
from vawsum_agent.deploy.record import Record
from vawsum_agent.deploy.trust import own_folder, see_that_it_is_own

if TYPE_CHECKING:
    from pathlib import Path

DEPLOY_ID = "20261129T080000Z-0011aabb"


@pytest.fixture
def app(tmp_path: Path) -> AppFolder:
    """An application with one deploy that was cut off, in a folder that was opened to others since."""
    app = AppFolder(tmp_path / "web")
    journal = Journal(app, SystemClock())
    journal.prepare()
    journal.write(Record(deploy_id=DEPLOY_ID, app="web", kind="start", release="r2", began_at=0.0))
    app.path.chmod(0o777)
    return app


def test_records_of_others_are_not_carried_out(app: AppFolder) -> None:
    """What is unfinished there may be anybody's, and would be done as root: it is refused, not taken back."""
    with pytest.raises(DeployError, match="can be written by everybody"):
        Journal(app, SystemClock()).unfinished()
    app.path.chmod(0o755)
    assert len(Journal(app, SystemClock()).unfinished()) == 1


def test_a_lock_of_others_is_not_opened(app: AppFolder, tmp_path: Path) -> None:
    """Its folder may be a link to any other, where a file would be made or emptied."""
    app.journal.rename(tmp_path / "aside")
    (tmp_path / "elsewhere").mkdir()
    app.journal.symlink_to(tmp_path / "elsewhere")
    holder = Holder(deploy_id=DEPLOY_ID, app="web", what="start", pid=1)
    with pytest.raises(DeployError, match="can be written by everybody"), locked({"web": app}, holder):
        pass
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.parametrize("kind", ["pipe", "link", "folder"])
def test_a_record_is_a_plain_file(app: AppFolder, tmp_path: Path, kind: str) -> None:
    """A pipe, to which nobody may ever write, keeps nobody waiting; a link is not followed."""
    record = app.journal / "deploys" / f"{DEPLOY_ID}.json"
    record.rename(tmp_path / "real.json")
    if kind == "pipe":
        os.mkfifo(record)
    elif kind == "link":
        record.symlink_to(tmp_path / "real.json")
    else:
        record.mkdir()
    assert Journal(app, SystemClock()).records() == []


def test_nothing_is_made_where_it_is_only_seen(tmp_path: Path) -> None:
    """A folder that has to be there is not made instead."""
    with pytest.raises(DeployError, match="can't be looked at"):
        see_that_it_is_own(tmp_path / "web")
    assert not (tmp_path / "web").exists()


def test_others_by_an_access_control_list(tmp_path: Path) -> None:
    """A user who is named in a list may write where the mode shows nothing but a group of ours."""
    folder = tmp_path / "web"
    own_folder(folder)
    anyone = 0xFFFFFFFF
    # <linux/posix_acl_xattr.h>: owner, the named user, group, mask, others; 7 is rwx, 5 r-x.
    entries = [(0x01, 7, anyone), (0x02, 7, 65534), (0x04, 5, anyone), (0x10, 7, anyone), (0x20, 5, anyone)]
    acl = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)
    try:
        os.setxattr(folder, "system.posix_acl_access", acl)
    except OSError as exc:
        if exc.errno != errno.EOPNOTSUPP:
            raise
        pytest.skip("this file system knows no access control lists")
    with pytest.raises(DeployError, match="access control list"):
        own_folder(folder)
    folder.chmod(0o755)  # what the hint says takes the right from whoever is named
    own_folder(folder)


def test_what_a_release_asks_for_is_nobody_elses_to_say(tmp_path: Path) -> None:
    """A hook in it may be root's: a file that others may write to is refused, and not what it would say."""
    file = tmp_path / "deploy.toml"
    file.write_text('[hooks.failed]\nrun = "id"\nuser = "root"\n')
    file.chmod(0o666)
    with pytest.raises(DeployError, match="not root's alone to write"):
        load_release_file(tmp_path)
    assert load_release_file(tmp_path, of_anybody=True).hooks.failed is not None
    file.chmod(0o644)
    assert load_release_file(tmp_path).hooks.failed is not None
