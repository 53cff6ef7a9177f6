"""Somebody took over the web server's user, or the agent's, and rewrites all that these may write: root is no fool."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import stat
import subprocess
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sandbox.host.fleet import PAGES
from sandbox.servers.process import WEB_USER
from tests.counts import count
from tests.integration.deploy.deploying import FIRST, SECOND, THIRD, publish
from tests.integration.deploy.hostile.malice import NO_DRAIN, expect_untouched
from vawsum_agent.deploy.hooks.release_file import HOOK_NAMES
from vawsum_agent.deploy.machine import FORWARD, Step
from vawsum_agent.deploy.record import Line, Record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox import Sandbox
    from tests.integration.deploy.deploying import DeployHost, Ended

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="as one plain user there is no border to hold")

SCRIPT = Path(__file__).with_name("neighbour.sh")
CANARY = "canary-5e1f0c-in-a-file-of-root"
ASKS = 'shared = ["uploads/", "cache/", "x"]\nwritable = ["storage"]\n'
LONGEST_S = 60.0


def picture(folder: Path) -> dict[str, tuple[int, int, int, int, int, bytes]]:
    """All below a folder: owner, group, mode, names, and content."""
    found = {}
    for path in [folder, *folder.rglob("*")]:
        status = path.lstat()
        content = path.read_bytes() if stat.S_ISREG(status.st_mode) else b""
        found[str(path)] = (status.st_uid, status.st_gid, status.st_mode, status.st_nlink, status.st_mtime_ns, content)
    return found


@pytest.fixture
def outside(host: DeployHost) -> Iterator[Path]:
    """A folder of root's that nobody else may write to, with a file that nobody else may read."""
    folder = host.host.directory / "outside"
    (folder / "deploys").mkdir(parents=True)
    secret = folder / "secret"
    secret.touch(0o600)
    secret.write_text(CANARY)
    yield folder
    shutil.rmtree(folder)


def give(*paths: Path) -> None:
    """Make these folders the application's."""
    for path in paths:
        path.mkdir(parents=True, exist_ok=True)
        shutil.chown(path, WEB_USER, WEB_USER)


@contextmanager
def neighbour(host: DeployHost, outside: Path) -> Iterator[None]:
    """Somebody is at work as the web server's user."""
    user = pwd.getpwnam(WEB_USER)
    process = subprocess.Popen(
        ["/bin/sh", "-c", SCRIPT.read_text(), "neighbour", host.folder.path, outside],
        user=user.pw_uid,
        group=user.pw_gid,
        extra_groups=[],
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield
    finally:
        assert process.poll() is None, "it was at work until now"
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def copies(host: DeployHost) -> list[str]:
    """The plain files of the application that hold what only root may read."""
    found = []
    for root, _, names in os.walk(host.folder.path):
        for name in names:
            path = Path(root, name)
            if stat.S_ISREG(path.lstat().st_mode) and CANARY.encode() in path.read_bytes():
                found.append(str(path))
    return found


@pytest.mark.timeout(600)
def test_all_that_may_be_written_is_rewritten(aws: Sandbox, host: DeployHost, outside: Path) -> None:
    """Deploys end in bounded time, well or taken back; nothing outside is changed, and nothing secret is copied."""
    host.configure(f"{NO_DRAIN}\nkeep_releases = 2")
    shared = host.folder.shared
    give(shared, shared / "uploads", host.folder.release(FIRST) / "storage")
    (shared / "x").symlink_to(outside / "secret")
    before = picture(outside)
    with neighbour(host, outside):
        for number in range(count(1, 30)):
            release = f"202602{number + 1:02}T000000Z-{number:07}"
            publish(aws, release, {**PAGES, "deploy.toml": ASKS, "storage/kept": "kept"})
            told = deployed(host, release).document
            # What is shared was a link at that moment, or a pipe.
            assert (told["result"], told["failed_step"]) in {("deployed", None), ("taken back", "prepare")}
            assert "bug" not in (told["error"] or "")
            if told["result"] == "deployed":
                assert str((host.folder.release(release) / "x").readlink()) == "../../shared/x"
        # It asks for nothing of theirs; and the first release, with a folder that is theirs, is one too many now.
        ended = deployed(host, THIRD)
        assert ended.code == 0, ended.error
        assert picture(outside) == before
    assert copies(host) == []
    assert host.serves() == THIRD
    assert host.journal.unfinished() == []


def deployed(host: DeployHost, release: str) -> Ended:
    """Deploy, in bounded time."""
    began = time.monotonic()
    ended = host.deploy(release)
    assert time.monotonic() - began < LONGEST_S
    return ended


def test_lookalikes(host: DeployHost, outside: Path) -> None:
    """Records of deploys and locks are nobody's where the agent's user may write: there is nothing to recover."""
    wanted = Record(deploy_id="20261129T080000Z-0011aabb", app="web", kind="start", release=SECOND, began_at=0.0)
    wanted.instance_id = host.host.instance_id
    wanted.lines = [Line(step=step, phase="done", at=0.0) for step in FORWARD[: FORWARD.index(Step.SWITCH) + 1]]
    wanted.remember("link", str(outside))
    host.journal.prepare()
    host.journal.write(wanted)
    for name in ("state", "run"):
        folder = host.host.directory / name
        shutil.rmtree(folder, ignore_errors=True)
        for below in (folder, folder / ".vawsum", folder / "deploy", folder / ".vawsum/web"):
            shutil.copytree(host.journal.folder, below / "deploys")
            (below / "lock").touch()
        subprocess.run(["chown", "-R", WEB_USER, folder], check=True)
    shutil.rmtree(host.folder.journal)
    recovered = host.run("deploy", "recover", "--json")
    assert (recovered.code, recovered.document["deploys"]) == (0, [])
    history = host.run("deploy", "history", "--app", "web", "--json").document
    assert (history["current"], history["deploys"]) == (FIRST, [])


def planted(folder: Path, outside: Path) -> None:
    """Put a release of the application's own in a place, with hooks that are to run as root."""
    hook = f"run = 'touch {outside}/reached'\nuser = 'root'\n"
    folder.mkdir(exist_ok=True)
    (folder / "deploy.toml").write_text("".join(f"[hooks.{name}]\n{hook}" for name in HOOK_NAMES))
    subprocess.run(["chown", "-R", WEB_USER, folder], check=True)


def test_hooks_of_a_release_that_is_the_applications(host: DeployHost, outside: Path) -> None:
    """One that was here before the agent, owned by the web server's user, as many are: it never says what root runs."""
    planted(host.folder.release(FIRST), outside)
    before = picture(outside)
    ended = host.deploy(SECOND)
    assert ended.code == 0, ended.error
    ended = host.run("deploy", "rollback", "--app", "web", "--to", FIRST, "--json")
    assert (ended.code, ended.document["failed_step"], host.serves()) == (1, "prepare", SECOND)
    assert "is not root's alone to write" in ended.document["error"]
    assert picture(outside) == before


def test_a_folder_of_releases_that_is_the_applications(host: DeployHost, outside: Path) -> None:
    """Nothing is fetched into it, and no hook of what lies there is run, also not the one for what failed."""
    planted(host.folder.release(SECOND), outside)
    give(host.folder.releases)
    before = picture(outside)
    ended = host.deploy(SECOND)
    assert (ended.code, ended.document["failed_step"], host.serves()) == (1, "fetch", FIRST)
    assert f"{host.folder.releases} belongs to user" in ended.document["error"]
    assert picture(outside) == before
    os.chown(host.folder.releases, 0, 0)
    shutil.rmtree(host.folder.release(SECOND))
    expect_untouched(host)
