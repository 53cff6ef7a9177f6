"""The doctor sees files as the daemon would."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.unit.logs.doctor.making import OWN, ROOT, STRANGER, a_source, bad, only
from vawsum_agent.config.model import LogsConfig
from vawsum_agent.core.eyes import Eyes
from vawsum_agent.core.finding import Severity
from vawsum_agent.daemon.eyes import eyes_of_daemon
from vawsum_agent.logs.doctor.access import access
from vawsum_agent.logs.doctor.found import find

if TYPE_CHECKING:
    from pathlib import Path

    from vawsum_agent.config.model import LogSource

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can look through another user's eyes")


def logs(*sources: LogSource) -> LogsConfig:
    """Make `[logs]`."""
    return LogsConfig(source=list(sources))


@pytest.fixture
def open_path(tmp_path: Path) -> Path:
    """A folder that everybody may reach."""
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.geteuid():
            folder.chmod(folder.stat().st_mode | 0o055)
    return tmp_path


def test_readable_files_are_well(tmp_path: Path) -> None:
    """A source whose files can all be read is said to be well."""
    (tmp_path / "a.log").touch()
    findings = list(access(logs(a_source(tmp_path / "*.log")), OWN if os.geteuid() else ROOT, None))
    assert bad(findings) == []
    assert "1 file" in findings[0].what


def test_a_glob_without_a_file_is_a_warning(tmp_path: Path) -> None:
    """A glob that means nothing may be a typing error; one that means something beside it hides nothing."""
    (tmp_path / "a.log").touch()
    found = only(access(logs(a_source(tmp_path / "*.log", tmp_path / "*.lgo")), OWN if os.geteuid() else ROOT, None))
    assert found.severity is Severity.WARNING
    assert "*.lgo" in found.where


@as_root
def test_an_unreadable_file_is_a_problem_of_the_daemons_user(open_path: Path) -> None:
    """Root can read it, the daemon can't: the doctor, run by root, says so and names file, mode, owner and group."""
    path = open_path / "a.log"
    path.touch(mode=0o600)
    found = only(access(logs(a_source(path)), STRANGER, None))
    assert found.severity is Severity.PROBLEM
    assert found.where == str(path)
    assert "-rw------- root root" in found.what
    assert "vawsum-agent" in found.what
    assert "setfacl" in found.remedy


@as_root
def test_a_group_that_may_read_is_the_remedy(open_path: Path) -> None:
    """Debian's logs belong to adm: joining the group is all that it takes."""
    path = open_path / "a.log"
    path.touch(mode=0o640)
    os.chown(path, 0, 4)
    path.chmod(0o640)
    found = only(access(logs(a_source(path)), STRANGER, None))
    assert found.remedy.startswith("usermod --append --groups adm vawsum-agent")
    assert bad(access(logs(a_source(path)), Eyes("vawsum-agent", 54_321, 54_321, (4,)), None)) == []


@as_root
@pytest.mark.parametrize("pattern", ["httpd/a.log", "httpd/*.log"])
def test_a_closed_folder_is_named_instead_of_its_files(open_path: Path, pattern: str) -> None:
    """Where a folder on the way refuses (RHEL's /var/log/httpd is 0700), it is the folder that needs the remedy."""
    folder = open_path / "httpd"
    folder.mkdir(mode=0o700)
    (folder / "a.log").touch()
    found = only(access(logs(a_source(open_path / pattern)), STRANGER, None))
    assert found.severity is Severity.PROBLEM
    assert found.where == str(folder)


@as_root
def test_the_capability_reads_everything(open_path: Path) -> None:
    """With CAP_DAC_READ_SEARCH, as the unit has it, modes don't matter."""
    path = open_path / "a.log"
    path.touch(mode=0o600)
    assert bad(access(logs(a_source(path)), Eyes("vawsum-agent", 54_321, 54_321, (), reads_all=True), None)) == []


def test_what_only_the_daemon_can_see_is_not_judged(open_path: Path) -> None:
    """Run by a user that can't look as the daemon does, the doctor says so instead of finding what is no problem."""
    path = open_path / "a.log"
    path.touch(mode=0)
    blind = Eyes("vawsum-agent", 54_322, 54_322, (), reads_all=True)
    with STRANGER.looking():
        found = only(access(logs(a_source(path)), blind, None))
    assert found.severity is Severity.WARNING
    assert "run this as root" in found.remedy


def test_a_daemon_in_our_own_file_system_sees_what_we_see(tmp_path: Path) -> None:
    """Nothing is hidden from a daemon without a mount namespace of its own."""
    (tmp_path / "a.log").touch()
    assert bad(access(logs(a_source(tmp_path / "a.log")), OWN if os.geteuid() else ROOT, os.getpid())) == []


@as_root
def test_what_the_unit_hides_is_told(tmp_path: Path) -> None:
    """A log below a folder that the unit keeps from the daemon (here a private mount) is a problem with its drop-in."""
    (tmp_path / "a.log").touch()
    script = f"mount -t tmpfs none {tmp_path} && echo ready && exec sleep 30"
    with subprocess.Popen(["unshare", "--mount", "sh", "-c", script], stdout=subprocess.PIPE) as daemon:
        try:
            assert daemon.stdout is not None
            if daemon.stdout.readline() != b"ready\n":
                pytest.skip("no mount namespaces here")
            found = only(access(logs(a_source(tmp_path / "a.log")), ROOT, daemon.pid))
        finally:
            daemon.kill()
    assert found.severity is Severity.PROBLEM
    assert f"BindReadOnlyPaths={tmp_path}" in found.remedy


@as_root
def test_looking_as_another_user_ends(open_path: Path) -> None:
    """After looking, the process is what it was, groups included."""
    before = os.geteuid(), os.getegid(), os.getgroups()
    with STRANGER.looking():
        assert os.geteuid() == STRANGER.uid
        assert not os.access(open_path, os.W_OK, effective_ids=True)
    assert (os.geteuid(), os.getegid(), os.getgroups()) == before


def test_many_unreadable_files_are_told_shortly(tmp_path: Path) -> None:
    """A hundred files that can't be opened are ten findings and one that counts the others."""
    for number in range(100):
        (tmp_path / f"{number}.log").symlink_to(f"{number}.log")
    findings = bad(access(logs(a_source(tmp_path / "*.log")), OWN if os.geteuid() else ROOT, None))
    assert len(findings) == 11
    assert findings[-1].what.startswith("90 more")


def test_the_daemons_user_owns_the_state(tmp_path: Path) -> None:
    """Without a running daemon its user is the one that state_dir belongs to."""
    assert eyes_of_daemon(tmp_path, None).uid == tmp_path.stat().st_uid
    assert eyes_of_daemon(tmp_path / "missing", None).uid == os.geteuid()


def test_a_running_daemon_is_asked_by_its_process(tmp_path: Path) -> None:
    """User, groups and capabilities of a running daemon are those of its process."""
    eyes = eyes_of_daemon(tmp_path, os.getpid())
    assert (eyes.uid, eyes.gid) == (os.geteuid(), os.getegid())
    assert set(eyes.groups) == set(os.getgroups())


def test_rotated_copies_are_no_live_logs(tmp_path: Path) -> None:
    """What a generous glob takes of rotated and compressed files is not looked at as a log of its own."""
    for name in ("a.log", "a.log.1", "a.log.2.gz", "a.log-20260101", "b.log", ".hidden.log"):
        (tmp_path / name).touch()
    (tmp_path / "folder.log").mkdir()
    assert [file.path for file in find(a_source(tmp_path / "*"))] == [str(tmp_path / "a.log"), str(tmp_path / "b.log")]


@pytest.mark.parametrize(
    ("mode", "uid", "gid", "may"),
    [
        (0o600, 54_321, 0, True),
        (0o040, 54_321, 54_321, False),
        (0o640, 0, 54_321, True),
        (0o640, 0, 0, False),
        (0o604, 0, 0, True),
    ],
)
def test_modes_are_read_as_the_kernel_reads_them(*, mode: int, uid: int, gid: int, may: bool) -> None:
    """Owner before group before others, and only the first that fits counts."""
    assert STRANGER.may_read(mode, uid, gid) is may
