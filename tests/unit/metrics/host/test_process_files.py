"""Reading the files of processes, and keeping them open."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.unit.metrics.host.trees import stat_line, write
from vawsum_agent.metrics.host.process_files import ProcessFiles

PROC = Path("/proc")


def kept(proc: Path) -> set[str]:
    """The processes below a folder whose files this process holds open."""
    return {link.split("/")[-2] for link in open_files() if link.startswith(f"{proc}/")}


def open_files() -> list[str]:
    """All that this process holds open."""
    found = []
    for descriptor in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            found.append(str(descriptor.readlink()))
    return found


def a_tree(proc: Path, *pids: int) -> Path:
    """A folder with these processes, and with what else there is in procfs."""
    files: dict[str, str | bytes] = {f"{pid}/stat": stat_line(pid) for pid in pids}
    return write(proc, files | {"stat": "cpu 1\n", "self/stat": "x"})


def test_files_stay_open_and_what_they_say_is_new_each_time(tmp_path: Path) -> None:
    """The second look reads the same open files from their beginning."""
    files = ProcessFiles(a_tree(tmp_path, 1, 10, 11), 10)
    assert dict(files.read()) == {str(pid): stat_line(pid) for pid in (1, 10, 11)}
    a_tree(tmp_path, 12)
    with (tmp_path / "10/stat").open("r+b") as file:
        file.write(stat_line(10, b"perl"))
    assert dict(files.read()) == {
        **{str(pid): stat_line(pid) for pid in (1, 11, 12)},
        "10": stat_line(10, b"perl"),
    }
    assert kept(tmp_path) == {"10", "11", "12"}
    files.close()
    assert not kept(tmp_path)
    assert len(list(files.read())) == 4, "and the next look opens them anew"
    files.close()


def test_no_more_files_stay_open_than_may(tmp_path: Path) -> None:
    """A host of many thousands of processes leaves descriptors for its logs, and all are read all the same."""
    files = ProcessFiles(a_tree(tmp_path, *range(1, 30)), 5)
    for _ in range(2):
        assert len(dict(files.read())) == 29
        assert len(kept(tmp_path)) == 5
    files.close()


@pytest.mark.parametrize("most_open", [0, -1])
def test_none_may_stay_open(tmp_path: Path, most_open: int) -> None:
    """Where hardly any file may be open."""
    assert len(dict(ProcessFiles(a_tree(tmp_path, 1, 10), most_open).read())) == 2
    assert not kept(tmp_path)


def test_init_is_opened_anew_each_time(tmp_path: Path) -> None:
    """Only so does it show that processes are hidden from now on."""
    files = ProcessFiles(a_tree(tmp_path, 1, 10), 10)
    list(files.read())
    assert kept(tmp_path) == {"10"}
    files.close()


def test_files_of_processes_that_ended_are_closed(tmp_path: Path) -> None:
    """Their places are free for those that are new."""
    files = ProcessFiles(a_tree(tmp_path, 1, 10, 11), 2)
    list(files.read())
    shutil.rmtree(tmp_path / "10")
    a_tree(tmp_path, 12)
    assert set(dict(files.read())) == {"1", "11", "12"}
    assert kept(tmp_path) == {"11", "12"}
    files.close()


def test_a_look_that_is_broken_off_leaves_nothing_behind(tmp_path: Path) -> None:
    """The folder is closed, and what is kept is closed in the end."""
    files = ProcessFiles(a_tree(tmp_path, 1, 10, 11), 10)
    looks = files.read()
    next(looks)
    looks.close()  # type: ignore[attr-defined]
    files.close()
    assert str(tmp_path) not in open_files()
    assert not kept(tmp_path)


def test_a_real_process_is_followed_to_its_end() -> None:
    """Its state is read anew each time; it is a zombie until it was asked about, and then it is not there."""
    files = ProcessFiles(PROC, 10_000)
    with subprocess.Popen(["sleep", "600"]) as process:
        pid = str(process.pid)
        assert dict(files.read())[pid].startswith(f"{pid} (".encode())
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert b") Z " in dict(files.read())[pid]
        process.wait()
    assert pid not in dict(files.read())
    files.close()
