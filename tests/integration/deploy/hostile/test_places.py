"""Folders, disks and services that are not as they should be: refused, waited for, or put right when that can be."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from sandbox.host.fleet import PAGES
from tests.counts import IS_SOAK
from tests.integration.deploy.deploying import FIRST, SECOND
from tests.integration.deploy.hostile.malice import GROUP, end_all, expect_taken_back, expect_untouched, put_files

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from sandbox import Sandbox
    from tests.integration.deploy.deploying import DeployHost

    Small = Callable[[Path, str], AbstractContextManager[None]]


def _given_away(path: Path) -> None:
    os.chown(path, 65534, -1)


OPENED: dict[str, tuple[str, Callable[[Path], None]]] = {
    "everybody's": ("can be written by everybody", lambda path: path.chmod(0o777)),
    "another user's": ("belongs to user 65534", _given_away),
}


@pytest.mark.parametrize("what", OPENED if IS_SOAK else [list(OPENED)[os.geteuid() == 0]])
def test_a_folder_of_others(host: DeployHost, what: str) -> None:
    """No command begins anything there, carries out what is found there, or waits for it: one line says whose it is."""
    if what == "another user's" and os.geteuid() != 0:
        pytest.skip("only root can give folders away")
    words, open_it = OPENED[what]
    host.journal.folder.mkdir(parents=True)
    os.mkfifo(host.journal.folder / "20261129T080000Z-0011aabb.json")
    status = host.folder.path.stat()
    open_it(host.folder.path)
    try:
        for arguments in (["start", "--app", "web", "--release", SECOND], ["rollback", "--app", "web"], ["recover"]):
            ended = host.run("deploy", *arguments)
            assert (ended.code, ended.out) == (1, ""), arguments
            assert ended.error.startswith(f"error: {host.folder.path} {words} ("), ended.error
            assert len(ended.error.splitlines()) == 1
        assert host.run("deploy", "history", "--app", "web").code == 0
    finally:
        os.chown(host.folder.path, status.st_uid, status.st_gid)
        host.folder.path.chmod(0o755)
    expect_untouched(host)


def test_current_is_a_folder(host: DeployHost) -> None:
    """What was there before deploys were: refused before the host is drained, and a person is told what to do, once."""
    host.folder.current.unlink()
    shutil.copytree(host.folder.release(FIRST), host.folder.current)
    ended = host.deploy(SECOND)
    assert ended.code == 1
    told = ended.document
    assert (told["result"], told["failed_step"]) == ("taken back", "record")
    assert "is a folder, and no link that could be switched" in told["error"]
    assert "mv " in told["error"]
    assert told["out_of_service_s"] is None
    assert (host.folder.current / "healthz").read_text() == PAGES["healthz"]
    assert [path.name for path in host.folder.releases.iterdir()] == [FIRST]
    shutil.rmtree(host.folder.current)


@pytest.mark.parametrize("what", ["denied", "down"] if IS_SOAK else ["denied"])
def test_no_artifacts(aws: Sandbox, host: DeployHost, what: str) -> None:
    """S3 denies, or is down for longer than anybody waits: one line, and the host never left service."""
    if what == "denied":
        aws.deny("s3:ListBucket", "s3:GetObject")
    else:
        aws.fault("unavailable", operation="s3:*")
    expect_taken_back(host, host.deploy(SECOND), "fetch", "s3://vawsum-artifacts")


def test_aws_is_down_when_it_returns(aws: Sandbox, in_service: DeployHost) -> None:
    """The host comes back as soon as AWS lets it."""
    aws.fault("unavailable", operation="RegisterTargets", for_s=4)
    ended = in_service.deploy(SECOND)
    assert (ended.code, ended.document["result"]) == (0, "deployed"), ended.error
    aws.await_targets(GROUP, in_service.host.instance_id)


MARK = "full/vawsum-hostile"
FILLS = f"setsid sh -c 'while :; do cat /dev/zero >> {MARK}; sleep 0.01; done' >/dev/null 2>&1 & sleep 0.5"
"""Fills the disk, and goes on with it when the hook has ended, so that no reserve helps."""


def test_the_disk_is_full_amid_a_deploy(aws: Sandbox, in_service: DeployHost, small_disk: Small) -> None:
    """Nothing can be noted when the host has left: it is put back all the same, and recovery notes that, given room."""
    host = in_service
    with small_disk(host.host.app, "size=8m"):
        host.host.serve(FIRST, PAGES)
        hook = f'shared = ["full/"]\n[hooks.drained]\nrun = """{FILLS}"""\n'
        ended = host.deploy(put_files(aws, {**PAGES, "deploy.toml": hook}))
        assert (ended.code, host.serves()) == (1, FIRST)
        aws.await_targets(GROUP, host.host.instance_id)
        end_all(MARK)
        (host.folder.shared / MARK).unlink()
        recovered = host.run("deploy", "recover", "--json")
        assert recovered.code == 0, recovered.error
        expect_untouched(host)
        aws.await_targets(GROUP, host.host.instance_id)
