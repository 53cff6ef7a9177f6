"""Artifacts and secrets that are broken or mean harm: refused in one line, and the host is as it was."""

from __future__ import annotations

import gzip
import hashlib
import random
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import zstandard

from sandbox.host.fleet import PAGES
from tests.counts import IS_SOAK
from tests.integration.deploy.deploying import FIRST, SECOND, artifact
from tests.integration.deploy.hostile.malice import (
    SECRETS,
    WITH_SECRETS,
    expect_taken_back,
    expect_untouched,
    put,
    put_files,
    put_items,
)
from tests.unit.deploy.fetch.published import Item, hardlink, link, tar

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from sandbox import Sandbox
    from tests.integration.deploy.deploying import DeployHost

    Small = Callable[[Path, str], AbstractContextManager[None]]

WHOLE = artifact(PAGES)
WHOLE_SHA256 = hashlib.sha256(WHOLE).hexdigest()
OUTSIDE = (Path("/etc/cron.d/vawsum-hostile"), Path("/tmp/vawsum-hostile"))
GIB = 1 << 30

FEW: dict[str, tuple[str, Callable[[Sandbox], str]]] = {
    "truncated": ("truncated", lambda aws: put(aws, WHOLE[: len(WHOLE) // 2])),
    "wrong checksum": ("SHA-256", lambda aws: put(aws, WHOLE, f"{'0' * 64}\n")),
    "no checksum": (".sha256 is missing", lambda aws: put(aws, WHOLE, "")),
    "bomb": ("too large", lambda aws: put(aws, _bomb(64 << 20, told=5 * GIB), suffix=".tar.zst")),
    "climbs": ("leads out of the release", lambda aws: put_items(aws, Item("../../etc/cron.d/vawsum-hostile", b"x"))),
    "link out": ("leads out of the release", lambda aws: put_items(aws, link("out", "../../../../../etc"))),
}
ARTIFACTS: dict[str, tuple[str, Callable[[Sandbox], str]]] = {
    **FEW,
    "garbage": ("gzip stream is damaged", lambda aws: put(aws, random.Random(1).randbytes(50_000))),
    "cut short of its checksum": ("SHA-256", lambda aws: put(aws, WHOLE[: len(WHOLE) // 2], f"{WHOLE_SHA256}\n")),
    "nonsense for a checksum": ("holds no SHA-256", lambda aws: put(aws, WHOLE, "<html>\n")),
    "bomb of which each file is small enough": (
        "archive bomb",
        lambda aws: put(aws, _bomb(GIB + (64 << 20)), suffix=".tar.zst"),
    ),
    "absolute": ("absolute", lambda aws: put_items(aws, Item("/tmp/vawsum-hostile", b"x"))),
    "below a link": (
        "needs a folder",
        lambda aws: put_items(aws, link("up", "index.php"), Item("up/vawsum-hostile", b"x")),
    ),
    "absolute link": ("is absolute", lambda aws: put_items(aws, link("out", "/etc/shadow"))),
    "hard link out": ("hard link", lambda aws: put_items(aws, hardlink("shadow", "etc/shadow"))),
    "device": ("is a device", lambda aws: put_items(aws, Item("sda", type=tarfile.BLKTYPE))),
    "set-id": ("set-user-id", lambda aws: put_items(aws, Item("bin/sh", b"x", mode=0o4755))),
    "control characters": ("control characters", lambda aws: put_items(aws, Item("a\x1b[2Jb\nc", b"x"))),
    "nothing in it": ("holds no file", lambda aws: put(aws, gzip.compress(tar()))),
    "not TOML": ("is no TOML", lambda aws: put_files(aws, {**PAGES, "deploy.toml": "= ["})),
    "deploy.toml is a link": ("no plain file", lambda aws: put_items(aws, link("deploy.toml", "index.php"))),
    "shares what is outside": (
        "expected a path",
        lambda aws: put_files(aws, {**PAGES, "deploy.toml": 'shared = ["../../etc/"]\n'}),
    ),
    "a hook of nobody": (
        "no such user",
        lambda aws: put_files(aws, {**PAGES, "deploy.toml": "[hooks.fetched]\nrun = 'true'\nuser = 'no-such'\n"}),
    ),
}
AT_PREPARE = {"not TOML", "deploy.toml is a link", "shares what is outside", "a hook of nobody"}


def _bomb(zeros: int, told: int | None = None) -> bytes:
    """So many zeros in some kilobytes, as one file that says of itself how large it is."""
    packer = zstandard.ZstdCompressor(level=1).compressobj()
    piece = bytes(16 << 20)
    packed = [packer.compress(Item("zeros", size=told or zeros).to_bytes())]
    packed += [packer.compress(piece) for _ in range(zeros // len(piece) + 1)]
    return b"".join([*packed, packer.flush()])


@pytest.mark.parametrize("what", ARTIFACTS if IS_SOAK else FEW)
def test_an_artifact(aws: Sandbox, host: DeployHost, what: str) -> None:
    """It is refused before anything that serves has changed, and nothing of it is anywhere."""
    words, make = ARTIFACTS[what]
    ended = host.deploy(make(aws), SUDO_USER="\udcff\n\x1b[2J")
    expect_taken_back(host, ended, "prepare" if what in AT_PREPARE else "fetch", words)
    assert ended.document["by"].isprintable()
    assert [path for path in OUTSIDE if path.exists()] == []


def _emptied(aws: Sandbox) -> None:
    aws.put_object(SECRETS, "web/.env", b"DB_PASSWORD=hunter2\n")
    aws.put_object(SECRETS, "web/.env", b"\n")


def _denied(aws: Sandbox) -> None:
    aws.put_object(SECRETS, "web/.env", b"DB_PASSWORD=hunter2\n")
    aws.deny("s3:GetObjectVersion")


FEW_SECRETS: dict[str, tuple[str, Callable[[Sandbox], None]]] = {
    "missing": ("no secret is below", lambda _: None),
    "empty": ("web/.env is empty", _emptied),
}
SECRETS_WRONG: dict[str, tuple[str, Callable[[Sandbox], None]]] = {
    **FEW_SECRETS,
    "climbs": ("can't be the name of a secret", lambda aws: aws.put_object(SECRETS, "web/../../x", b"x" * 10)),
    "is a page": ("ships index.php", lambda aws: aws.put_object(SECRETS, "web/index.php", b"<?php evil();")),
    "denied": ("GetObject", _denied),
}


@pytest.mark.parametrize("what", SECRETS_WRONG if IS_SOAK else FEW_SECRETS)
def test_a_secret(aws: Sandbox, host: DeployHost, what: str) -> None:
    """Without all of its secrets a release is not even fetched."""
    words, make = SECRETS_WRONG[what]
    host.configure(WITH_SECRETS)
    aws.create_bucket(SECRETS)
    make(aws)
    expect_taken_back(host, host.deploy(SECOND), "prepare" if what == "is a page" else "fetch", words)


@pytest.mark.parametrize(
    ("options", "words"), [("size=8m", "of disk"), ("size=8m,nr_inodes=200", "No space left on device")]
)
def test_a_small_disk(aws: Sandbox, host: DeployHost, small_disk: Small, options: str, words: str) -> None:
    """Short of bytes or of inodes: what was unpacked so far is gone, and the application has the room that it had."""
    with small_disk(host.host.app, options):
        host.host.serve(FIRST, PAGES)
        files = {"zeros": "0" * (10 << 20)} if "inodes" not in options else {f"{n}.php": "x" for n in range(300)}
        ended = host.deploy(put_files(aws, {**PAGES, **files}))
        expect_taken_back(host, ended, "fetch", words)
        assert "free some" in ended.document["error"]


def test_a_full_disk(host: DeployHost, small_disk: Small) -> None:
    """Where not even the journal has room, no deploy begins."""
    with small_disk(host.host.app, "size=1m"):
        host.host.serve(FIRST, PAGES)
        (host.host.app / "shared").mkdir()
        (host.host.app / "shared/full").write_bytes(bytes(900 << 10))
        ended = host.deploy(SECOND)
        assert (ended.code, ended.out) == (1, "")
        assert ended.error.startswith("error: there is no room for the journal")
        assert len(ended.error.splitlines()) == 1
        expect_untouched(host)
