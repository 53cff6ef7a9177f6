"""Load, uptime and open files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.metrics.host.trees import write
from vawsum_agent.core.errors import AgentError
from vawsum_agent.metrics.host.system import System

if TYPE_CHECKING:
    from pathlib import Path

FILES: dict[str, str | bytes] = {
    "loadavg": "0.74 0.73 0.54 1/106 18802\n",
    "uptime": "2433.11 4700.00\n",
    "sys/fs/file-nr": "1142\t0\t2466170\n",
}


def test_the_three_files_are_read(tmp_path: Path) -> None:
    """Each value stands where proc(5) says."""
    readings = System(write(tmp_path, FILES)).collect().gauges
    assert {reading.name: reading.value for reading in readings} == {
        "system_load1": 0.74,
        "system_load5": 0.73,
        "system_load15": 0.54,
        "system_uptime": 2433.11,
        "linux_sysctl_fs_file_nr": 1142,
        "linux_sysctl_fs_file_max": 2466170,
    }


def test_no_limit_is_no_number(tmp_path: Path) -> None:
    """Where systemd has lifted the limit of open files there is none to publish, and nothing absurd to leave out."""
    write(tmp_path, FILES | {"sys/fs/file-nr": f"1142 0 {2**63 - 1}\n"})
    assert "linux_sysctl_fs_file_max" not in {reading.name for reading in System(tmp_path).collect().gauges}


@pytest.mark.parametrize("content", [b"", b"0.1", b"a b c", b"\xff\xfe \0 1"])
def test_what_is_not_as_it_should_be_is_an_error_that_names_the_file(tmp_path: Path, content: bytes) -> None:
    """Never a traceback, never a made-up value."""
    write(tmp_path, FILES | {"loadavg": content})
    with pytest.raises(AgentError, match="loadavg"):
        System(tmp_path).collect()


def test_a_missing_file_is_an_os_error(tmp_path: Path) -> None:
    """The round reports it as any other source that is down."""
    with pytest.raises(OSError, match="loadavg"):
        System(tmp_path).collect()
