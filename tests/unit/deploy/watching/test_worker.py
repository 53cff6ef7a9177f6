"""Whether somebody deploys, told by what the kernel shows to everybody."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.unit.deploy.watching.records import Host, record
from vawsum_agent.deploy.confined import is_hidden
from vawsum_agent.deploy.worker import is_worked_on

if TYPE_CHECKING:
    from collections.abc import Iterator

WORK = ["deploy", "work", "--id=20260101T000001Z-0011aabb"]
HOLD = """
import fcntl, os, sys, time
descriptor = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT, 0o600)
fcntl.flock(descriptor, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """One with a deploy that is not finished."""
    host = Host(tmp_path / "web")
    host.write(record())
    return host


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """A procfs of no processes, whose reader sees of the application what was opened to it."""
    folder = tmp_path / "proc"
    (folder / "self").mkdir(parents=True)
    (folder / "locks").write_text("")
    mounted = (("/", "rw", "ext4"), (tmp_path, "ro", "tmpfs"), (tmp_path / "web/.vawsum/deploys", "ro", "ext4"))
    lines = [f"7 1 0:7 / {where} {options} - {kind} x x\n" for where, options, kind in mounted]
    (folder / "self/mountinfo").write_text("".join(lines))
    return folder


def runs(proc: Path, pid: int, *words: str) -> None:
    """Let a process run."""
    (proc / str(pid)).mkdir()
    (proc / str(pid) / "cmdline").write_bytes(b"".join(word.encode() + b"\0" for word in words))


@pytest.fixture
def holder(host: Host) -> Iterator[subprocess.Popen[str]]:
    """A real process that holds the lock as a deploy does."""
    arguments = [sys.executable, "-c", HOLD, str(host.folder.journal / "lock"), *WORK]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_the_lock_tells(host: Host, holder: subprocess.Popen[str]) -> None:
    """It is held while the process lives, and by nobody once it is killed, without a moment's wait."""
    assert is_worked_on(host.folder, host.copies)
    holder.kill()
    holder.wait()
    assert not is_worked_on(host.folder, host.copies)


def test_nobody_else_pretends(host: Host) -> None:
    """Who holds the lock for another reason does not deploy."""
    descriptor = os.open(host.folder.journal / "lock", os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        assert not is_worked_on(host.folder, host.copies)
    finally:
        os.close(descriptor)


def test_a_lock_that_is_hidden(host: Host, proc: Path) -> None:
    """The processes of the journal's owner tell: the work of a deploy, a recovery, and nothing that merely asks."""
    assert not is_worked_on(host.folder, host.copies, proc)
    runs(proc, 10, "python", "/usr/bin/vawsum-agent", "deploy", "history")
    runs(proc, 11, "deploy", "x", "work")
    assert not is_worked_on(host.folder, host.copies, proc)
    runs(proc, 12, "python", "-m", "vawsum_agent", *WORK)
    assert is_worked_on(host.folder, host.copies, proc)
    (proc / "12" / "cmdline").unlink()
    assert not is_worked_on(host.folder, host.copies, proc)
    runs(proc, 13, "/usr/bin/vawsum-agent", "deploy", "recover")
    assert is_worked_on(host.folder, host.copies, proc)


def test_copies_tell_whose_processes_count(host: Host, proc: Path) -> None:
    """Where they are all that shows; without any record nothing is worked on."""
    runs(proc, 12, "python", "-m", "vawsum_agent", *WORK)
    host.hide()
    assert is_worked_on(host.folder, host.copies, proc)
    assert not is_worked_on(host.folder, host.copies.parent / "other", proc)


MOUNTS = """\
22 1 254:0 / / ro,relatime shared:1 - ext4 /dev/vda rw
40 22 0:33 / /var/www ro,nosuid - tmpfs tmpfs ro,mode=755
41 22 0:34 / /tmp rw,nosuid - tmpfs tmpfs rw
"""


@pytest.mark.parametrize(
    ("path", "is_it"),
    [("/var/www/web", True), ("/var/www", True), ("/opt/web", False), ("/tmp/web", False), ("/var/wwwx", False)],
)
def test_what_the_unit_hides(tmp_path: Path, path: str, *, is_it: bool) -> None:
    """An empty file system that can't be written lies over it; one for everybody's temporary files hides nothing."""
    (tmp_path / "mountinfo").write_text(MOUNTS)
    assert is_hidden(Path(path), tmp_path) is is_it


def test_a_lock_that_never_was(host: Host, proc: Path) -> None:
    """Where nothing is hidden, nobody works here, whoever deploys elsewhere on this machine."""
    runs(proc, 12, "python", "-m", "vawsum_agent", *WORK)
    (proc / "self/mountinfo").write_text("7 1 0:7 / / rw - ext4 x x\n")
    assert not is_worked_on(host.folder, host.copies, proc)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs another user's process")
def test_another_user_does_not_count(host: Host, proc: Path) -> None:
    """Else anybody could keep a deploy that was cut off from being told of."""
    runs(proc, 12, "python", *WORK)
    os.chown(proc / "12", 65534, 65534)
    assert not is_worked_on(host.folder, host.copies, proc)


def test_no_procfs(host: Host, tmp_path: Path) -> None:
    """Nothing is known to run where nothing shows; nothing is raised."""
    assert not is_worked_on(host.folder, host.copies, tmp_path / "none")
    (host.folder.journal / "lock").touch()
    assert not is_worked_on(host.folder, host.copies, tmp_path / "none")
    never = Host(tmp_path / "never")
    assert not is_worked_on(never.folder, never.copies)


def test_a_look_at_all_processes_is_short(host: Host) -> None:
    """It is taken every second while a deploy is not finished."""
    began = time.perf_counter()
    is_worked_on(host.folder, host.copies)
    assert time.perf_counter() - began < 1
