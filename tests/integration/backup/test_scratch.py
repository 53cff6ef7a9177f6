"""The scratch server on a real MariaDB: private, harmless, and gone when its drill is, however that ends."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sandbox.servers.process import wait_until
from vawsum_agent.backup.drill import place as places
from vawsum_agent.backup.drill.programs import Programs, find
from vawsum_agent.backup.drill.scratch import Scratch
from vawsum_agent.core.errors import BackupError

if TYPE_CHECKING:
    from collections.abc import Iterator

MIB = 1 << 20

DRILL = """
import sys, time
from pathlib import Path
from vawsum_agent.backup.drill import place
from vawsum_agent.backup.drill.programs import find
from vawsum_agent.backup.drill.scratch import Scratch
with Scratch(find("mariadb"), place.make(Path(sys.argv[1]), Path(sys.argv[2])), 32 << 20) as scratch:
    print(scratch.pid, flush=True)
    time.sleep(600)
"""


@pytest.fixture(scope="module")
def programs() -> Programs:
    """MariaDB's."""
    return find("mariadb")


@pytest.fixture(scope="module")
def scratch(programs: Programs, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scratch]:
    """One that runs."""
    directory = tmp_path_factory.mktemp("drill")
    with Scratch(programs, places.make(directory, directory), 32 * MIB) as running:
        yield running


def ask(scratch: Scratch, sql: str) -> list[list[str]]:
    """Run a statement as a person would who looks into it."""
    done = subprocess.run([*scratch.command.split(), "-N", "-B", "-e", sql], capture_output=True, check=True)
    return [line.split("\t") for line in done.stdout.decode().splitlines()]


def test_one_account(scratch: Scratch) -> None:
    """Ours, with a password that stands in a file for its owner alone; the installer's accounts are gone."""
    assert ask(scratch, "SELECT User, Host FROM mysql.user WHERE User <> 'mariadb.sys'") == [
        ["vawsum-drill", "localhost"]
    ]
    assert stat.S_IMODE(scratch.option_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(scratch.folder.stat().st_mode) == 0o700
    told = Path(f"/proc/{scratch.pid}/cmdline").read_bytes() + Path(f"/proc/{scratch.pid}/environ").read_bytes()
    password = scratch.option_file.read_text().split("password = ")[1].split()[0]
    assert password.encode() not in told


def test_settings(scratch: Scratch) -> None:
    """No network, no binary log, no events, no files outside of its folder."""
    names = ("skip_networking", "log_bin", "event_scheduler", "local_infile", "performance_schema", "have_symlink")
    found = {name: ask(scratch, f"SHOW VARIABLES LIKE '{name}'")[0][1] for name in names}
    assert found == {
        "skip_networking": "ON",
        "log_bin": "OFF",
        "event_scheduler": "OFF",
        "local_infile": "OFF",
        "performance_schema": "OFF",
        "have_symlink": "DISABLED",
    }
    ((datadir, private),) = ask(scratch, "SELECT @@datadir, @@secure_file_priv")
    assert datadir == f"{scratch.folder}/data/"
    assert private == f"{scratch.folder}/files/"


def test_first_to_go(scratch: Scratch) -> None:
    """Where memory gets short the kernel takes it before the server that was backed up; it has no capabilities."""
    assert Path(f"/proc/{scratch.pid}/oom_score_adj").read_text().strip() == "1000"
    status = Path(f"/proc/{scratch.pid}/status").read_text()
    assert "CapAmb:\t0000000000000000" in status


def test_foreign_folders_are_left_alone(scratch: Scratch, tmp_path: Path) -> None:
    """A table that lies elsewhere in production is made in the scratch server's own folder."""
    tmp_path.chmod(0o777)
    ask(scratch, f"CREATE DATABASE d; CREATE TABLE d.t (a INT) DATA DIRECTORY = '{tmp_path}'")
    ask(scratch, f"CREATE TABLE d.m (a INT) ENGINE = MyISAM DATA DIRECTORY = '{tmp_path}'")
    assert list(tmp_path.iterdir()) == []
    assert (scratch.folder / "data" / "d" / "t.ibd").exists()


def test_killed_drill(tmp_path: Path) -> None:
    """The kernel ends the server with it; what is left of its files goes before the next."""
    directory = tmp_path / ("d" * 100)
    drill = subprocess.Popen([sys.executable, "-c", DRILL, str(directory), str(tmp_path)], stdout=subprocess.PIPE)
    assert drill.stdout is not None
    with drill.stdout:
        server = int(drill.stdout.readline())
    started = places.started(server)
    assert started is not None
    drill.kill()
    drill.wait()
    assert wait_until(lambda: places.started(server) != started, 30)
    (folder,) = directory.iterdir()
    socket_folder = Path(json.loads((folder / "note.json").read_text())["socket_folder"])
    assert socket_folder.parent == tmp_path
    assert places.sweep(directory) == 1
    assert list(directory.iterdir()) == []
    assert not socket_folder.exists()


def test_server_that_does_not_start(programs: Programs, tmp_path: Path) -> None:
    """Its last words are told, and nothing is left."""
    broken = tmp_path / "mariadbd"
    broken.write_text("#!/bin/sh\necho 'the disk is on fire' >&2\nexit 3\n")
    broken.chmod(0o755)
    place = places.make(tmp_path / "drill", tmp_path)
    with (
        pytest.raises(BackupError, match=r"mariadbd ended with 3: .*the disk is on fire"),
        Scratch(replace(programs, server=str(broken)), place, 32 * MIB),
    ):
        pytest.fail("it runs")
    assert list((tmp_path / "drill").iterdir()) == []


def test_installer_that_fails(programs: Programs, tmp_path: Path) -> None:
    """Is told as well; a folder that is to be kept stays to be looked at."""
    place = places.make(tmp_path / "drill", tmp_path, is_kept=True)
    broken = replace(programs, installer="/bin/false")
    with (
        pytest.raises(BackupError, match="false ended with 1"),
        Scratch(broken, place, 32 * MIB, is_kept=True),
    ):
        pytest.fail("it runs")
    assert place.folder.exists()
    assert places.sweep(tmp_path / "drill") == 1


def test_end_while_it_starts(programs: Programs, tmp_path: Path) -> None:
    """Somebody ends the drill: no process and no file is left."""
    place = places.make(tmp_path / "drill", tmp_path)
    with (
        pytest.raises(BackupError, match="was ended while its server started"),
        Scratch(programs, place, 32 * MIB, is_halted=lambda: True),
    ):
        pytest.fail("it runs")
    assert wait_until(lambda: not places.servers_of(place.folder), 30)
    assert not place.folder.exists()


def test_stopped_server(programs: Programs, tmp_path: Path) -> None:
    """One that hangs is ended, too."""
    place = places.make(tmp_path / "drill", tmp_path)
    with Scratch(programs, place, 32 * MIB) as scratch:
        os.kill(scratch.pid, signal.SIGSTOP)
        pid = scratch.pid
    assert places.started(pid) is None
