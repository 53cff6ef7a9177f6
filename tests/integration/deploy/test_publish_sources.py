"""Where the files of a release come from: real repositories over every way, folders, and builds in copies of them."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
import zstandard

from tests.integration.deploy.repositories import COMMITTED_AT, a_repository, commit, environ, git, ssh_stub
from vawsum_agent.core.clock import SystemClock
from vawsum_agent.core.errors import DeployError, UsageError
from vawsum_agent.deploy.publish.build import Build
from vawsum_agent.deploy.publish.publish import FromFolder, FromRepository, Made, Means, Order, made
from vawsum_agent.deploy.publish.repository import repository

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with a past: a branch, tags, and a name that is a branch and a tag."""
    folder = a_repository(
        tmp_path_factory.mktemp("git") / "web", {"index.php": "<?php // 1\n", "composer.lock": "{}\n"}
    )
    git(folder, "tag", "--annotate", "--message", "One", "v1")
    commit(folder, {"index.php": "<?php // 2\n"})
    git(folder, "branch", "feature/#2")
    git(folder, "tag", "both")
    git(folder, "branch", "both")
    commit(folder, {"index.php": "<?php // 3\n"}, "Greet\x1b[31m everybody")
    return folder


@contextmanager
def release_of(
    source: FromFolder | FromRepository,
    command: str = "",
    *,
    env: dict[str, str] | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Iterator[Made]:
    """Make a release."""
    with Path(os.devnull).open("wb") as nowhere:
        build = Build(command, nowhere.fileno()) if command else None
        means = Means(environ() | (env or {}), SystemClock(), say, lambda *_: None)
        with made(Order("vawsum-web", source, build), means) as release:
            yield release


def of(url: Path | str, ref: str, *, with_submodules: bool = False) -> FromRepository:
    """A ref of a repository."""
    return FromRepository(repository(str(url)), ref, with_submodules)


def files_of(release: Made) -> dict[str, str]:
    """What is in the archive of a release."""
    with zstandard.open(release.archive, "rb") as tar, tarfile.open(fileobj=tar, mode="r|") as archive:
        found = {}
        for member in archive:
            file = archive.extractfile(member)
            if file is not None:
                found[member.name] = file.read().decode()
        return found


@pytest.mark.parametrize(
    ("ref", "expected"),
    [("master", 3), ("HEAD", 3), ("refs/heads/both", 2), ("refs/tags/both", 2), ("feature/#2", 2), ("v1", 1)],
)
def test_branches_and_tags(origin: Path, ref: str, expected: int) -> None:
    """What is published is the commit that the name stands for, and the release is named by it."""
    with release_of(of(f"file://{origin}", ref)) as release:
        assert files_of(release) == {"composer.lock": "{}\n", "index.php": f"<?php // {expected}\n"}
        assert release.commit == git(origin, "rev-parse", f"master~{3 - expected}")
        assert release.release.endswith(f"Z-{release.commit[:12]}")


@pytest.mark.parametrize("digits", [40, 9])
@pytest.mark.parametrize("protocol", ["0", "2"])
def test_commits(origin: Path, digits: int, protocol: str) -> None:
    """A commit is had by its id, whole or shortened, also from a server that gives none by its id."""
    wanted = git(origin, "rev-parse", "master~1")
    version = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "protocol.version", "GIT_CONFIG_VALUE_0": protocol}
    with release_of(of(origin, wanted[:digits]), env=version) as release:
        assert release.commit == wanted
        assert files_of(release)["index.php"] == "<?php // 2\n"


def test_what_is_said_on_the_way(origin: Path) -> None:
    """The commit by its subject, of which nothing reaches a terminal but text."""
    said: list[str] = []
    with release_of(of(origin, "master"), say=said.append) as release:
        assert said[0] == f"fetching master of {origin}"
        assert said[1] == f"commit {release.commit[:12]}: Greet\\x1b[31m everybody"
        assert said[2].startswith("packing 2 files")


@pytest.mark.parametrize(
    ("ref", "expected"),
    [
        ("both", "both a branch and a tag both"),
        ("main", "no branch or tag main"),
        ("refs/heads/main", "no branch or tag refs/heads/main"),
        ("0123456789" * 4, "no commit 0123456789"),
        ("deadbee", "no commit deadbee"),
    ],
)
def test_refs_that_mean_nothing(origin: Path, ref: str, expected: str) -> None:
    """Or two things: a tag does not pass for the branch of its name."""
    with pytest.raises(DeployError, match=expected), release_of(of(origin, ref)):
        pass


def test_what_is_no_repository(tmp_path: Path) -> None:
    """Is said in git's words, without the password of the URL."""
    with pytest.raises(DeployError, match="does not appear to be a git repository"), release_of(of(tmp_path, "master")):
        pass
    url = "https://x-token-auth:s3cr3t@127.0.0.1:1/web.git"
    with pytest.raises(DeployError) as refused, release_of(of(url, "master")):
        pass
    assert "https://***@127.0.0.1:1/web.git can't be read" in str(refused.value)
    assert "s3cr3t" not in str(refused.value)


def test_over_ssh(origin: Path, tmp_path: Path) -> None:
    """By whatever program stands for ssh; a hook's own repository, whose variables we inherit, is not meant."""
    stub = ssh_stub(tmp_path)
    with release_of(
        of(f"git@bitbucket.example:{origin}", "master"), env={"GIT_SSH": str(stub), "GIT_DIR": "/nowhere"}
    ) as release:
        assert files_of(release)["index.php"] == "<?php // 3\n"
    called = Path(f"{stub}.log").read_text().splitlines()
    assert called[-1].endswith(f"git@bitbucket.example git-upload-pack '{origin}'")


def test_submodules_are_had_or_refused(tmp_path: Path) -> None:
    """Never left out in silence; theirs may be relative; one on the net does not lead to the disk of who builds."""
    a_repository(tmp_path / "lib", {"lib.php": "<?php // lib\n"})
    web = a_repository(tmp_path / "web", {"index.php": "<?php\n"})
    git(web, "submodule", "--quiet", "add", "../lib", "vendor/lib")
    commit(web, {})
    with (
        pytest.raises(DeployError, match="1 submodule, which would be missing: vendor/lib"),
        release_of(of(web, "HEAD")),
    ):
        pass
    with release_of(of(web, "HEAD", with_submodules=True)) as release:
        assert files_of(release)["vendor/lib/lib.php"] == "<?php // lib\n"
        assert ".git" not in {part for name in files_of(release) for part in name.split("/")}
    git(web, "config", "--file", ".gitmodules", "submodule.vendor/lib.url", f"file://{tmp_path}/lib")
    commit(web, {})
    by_ssh = of(f"git@bitbucket.example:{web}", "HEAD", with_submodules=True)
    with (
        pytest.raises(DeployError, match="transport 'file' not allowed"),
        release_of(by_ssh, env={"GIT_SSH": str(ssh_stub(tmp_path))}),
    ):
        pass


def test_git_lfs_is_refused(tmp_path: Path) -> None:
    """What would be published is a pointer, also in a submodule of a submodule."""
    for folder in ("web", "lib", "inner"):
        a_repository(tmp_path / folder, {"index.php": "<?php\n"})
    commit(tmp_path / "inner", {"public/.gitattributes": "*.psd filter=lfs\n", "public/a.psd": "version x\n"})
    with pytest.raises(DeployError, match="Git LFS"), release_of(of(tmp_path / "inner", "master")):
        pass
    for outer, inner in (("lib", "inner"), ("web", "lib")):
        git(tmp_path / outer, "submodule", "--quiet", "add", f"../{inner}", inner)
        commit(tmp_path / outer, {})
    with (
        pytest.raises(DeployError, match="Git LFS"),
        release_of(of(tmp_path / "web", "master", with_submodules=True)),
    ):
        pass


def test_no_answer_is_not_taken_for_no_files_in_git_lfs(origin: Path, tmp_path: Path) -> None:
    """Where git can't look for them, nothing is published, and its words are told."""
    stub = tmp_path / "git"
    stub.write_text(
        '#!/bin/sh\nfor word; do [ "$word" = grep ] && { echo "fatal: unable to read index" >&2; exit 128; }; done\n'
        f'exec {shutil.which("git")} "$@"\n'
    )
    stub.chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    with pytest.raises(DeployError, match="Git LFS: fatal: unable"), release_of(of(origin, "HEAD"), env={"PATH": path}):
        pass


def test_a_folder_is_the_same_as_its_commit(origin: Path, tmp_path: Path) -> None:
    """A clean work tree gives the very bytes of its commit; a change in it is told by the release's name."""
    tree = tmp_path / "tree"
    git(tmp_path, "clone", "--quiet", str(origin), str(tree))
    with release_of(of(origin, "master")) as fetched, release_of(FromFolder(tree)) as local:
        assert fetched.packed == local.packed
        assert fetched.archive.read_bytes() == local.archive.read_bytes()
        assert local.release[17:] == fetched.release[17:]
    (tree / "new.php").write_text("<?php\n")
    with release_of(FromFolder(tree)) as changed:
        assert changed.release.endswith(f"-{fetched.commit[:12]}dirty")
        assert changed.commit == fetched.commit
    (tree / "build").mkdir()
    (tree / "build/index.php").write_text("<?php // built\n")
    with release_of(FromFolder(tree / "build")) as built:
        assert (built.commit, built.release[17:]) == ("", built.packed.content_sha256[:12])


def test_a_folder_without_git_is_named_by_its_content(tmp_path: Path) -> None:
    """The same content has the same name behind the time, wherever it lies; a link to the folder is the folder."""
    names = set()
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "index.php").write_text("<?php\n")
        with release_of(FromFolder(tmp_path / folder)) as release:
            names.add(release.release[17:])
    (tmp_path / "link").symlink_to("two")
    with release_of(FromFolder(tmp_path / "link")) as release:
        names.add(release.release[17:])
    assert len(names) == 1
    for folder in ("none", "one/index.php"):
        with pytest.raises(UsageError, match=f"--from .*{folder}"), release_of(FromFolder(tmp_path / folder)):
            pass


def test_a_build_works_in_a_copy(origin: Path, tmp_path: Path) -> None:
    """It knows what it builds; what it makes is published; the folder stays as it was; nothing it started goes on."""
    pid = tmp_path / "pid"
    command = (
        'echo "$VAWSUM_APP $VAWSUM_COMMIT $SOURCE_DATE_EPOCH" > built; rm composer.lock; chmod 0500 .; '
        f"sleep 300 & echo $! > {pid}"
    )
    tree = tmp_path / "tree"
    git(tmp_path, "clone", "--quiet", str(origin), str(tree))
    for source in (of(origin, "master"), FromFolder(tree)):
        with release_of(source, command) as release:
            assert files_of(release) == {
                "built": f"vawsum-web {release.commit} {COMMITTED_AT}\n",
                "index.php": "<?php // 3\n",
            }
            assert not release.release.endswith("dirty")
        assert _is_gone(int(pid.read_text()))
    assert git(tree, "status", "--porcelain") == ""


@pytest.mark.parametrize(
    ("command", "expected"), [("exit 3", "ended with exit code 3"), ("kill -9 $$", "ended by signal 9")]
)
def test_a_build_that_fails(origin: Path, command: str, expected: str) -> None:
    """Is told by how it ended, and never by its command line, which may hold a token."""
    with pytest.raises(DeployError, match=expected) as failed, release_of(of(origin, "HEAD"), f"T=s3cr3t; {command}"):
        pass
    assert "s3cr3t" not in str(failed.value)


def test_what_the_release_asks_for_is_checked(origin: Path) -> None:
    """A mistake in deploy.toml is found here, and not on the first host."""
    command = "printf '[hooks.swiched]\\nrun = \"true\"\\n' > deploy.toml"
    with pytest.raises(DeployError, match=r"deploy\.toml.*swiched"), release_of(of(origin, "HEAD"), command):
        pass


def test_whose_its_files_are_does_not_matter(tmp_path: Path) -> None:
    """On the build host a release is whoever's: on a host that serves it will be root's."""
    (tmp_path / "index.php").write_text("<?php\n")
    (tmp_path / "deploy.toml").write_text("[hooks.healthy]\nrun = 'true'\n")
    (tmp_path / "deploy.toml").chmod(0o666)
    if os.geteuid() == 0:
        os.chown(tmp_path / "deploy.toml", 12345, 12345)
    with release_of(FromFolder(tmp_path)) as release:
        assert set(files_of(release)) == {"deploy.toml", "index.php"}


def test_what_a_build_leaves_that_cannot_be_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither costs a release that was made, nor stands in place of what a build failed for; it is named."""
    (tmp_path / "web").mkdir()
    mount = ["mount", "-t", "tmpfs", "tmpfs", str(tmp_path / "web")]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("only root mounts file systems, and not in every container")
    subprocess.run(["umount", tmp_path / "web"], check=True)
    (tmp_path / "web/index.php").write_text("<?php\n")
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    command = "mkdir held && mount -t tmpfs tmpfs held && touch held/file"
    said: list[str] = []
    try:
        with release_of(FromFolder(tmp_path / "web"), command, say=said.append) as release:
            assert "index.php" in files_of(release)
        with (
            pytest.raises(DeployError, match="ended with exit code 3"),
            release_of(FromFolder(tmp_path / "web"), f"{command}; exit 3", say=said.append),
        ):
            pass
        left = [str(path) for path in (tmp_path / "tmp").iterdir()]
        told = [line for line in said if "could not be removed" in line]
        assert sorted(line.partition(" ")[0] for line in told) == sorted(left)
        held = [str(path.relative_to(tmp_path / "tmp")) for path in (tmp_path / "tmp").rglob("*")]
        assert len(held) == 6, "all that can be removed is"
    finally:
        for folder in (tmp_path / "tmp").rglob("held"):
            subprocess.run(["umount", "--lazy", folder], check=True)


def test_a_folder_that_holds_the_temporary_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Would be published with its own archive in it."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(DeployError, match="temporary files"), release_of(FromFolder(tmp_path)):
        pass
    assert list(tmp_path.iterdir()) == []


def _is_gone(pid: int) -> bool:
    ends_at = time.monotonic() + 10
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        if time.monotonic() > ends_at:
            return False
        time.sleep(0.02)
    return True
