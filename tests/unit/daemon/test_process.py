"""What the daemon asks of its process."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from vawsum_agent.core.errors import BusyError, StateError
from vawsum_agent.daemon.process import lock_state, raise_descriptor_limit, tune_malloc

if TYPE_CHECKING:
    from pathlib import Path


def test_one_daemon_a_state_folder(tmp_path: Path) -> None:
    """Two daemons on one state would send everything twice: the second one is refused until the first is gone."""
    lock = lock_state(tmp_path / "state")
    with pytest.raises(BusyError) as caught:
        lock_state(tmp_path / "state")
    assert caught.value.exit_code == 75
    os.close(lock)
    os.close(lock_state(tmp_path / "state"))


def test_a_state_folder_that_cannot_be(tmp_path: Path) -> None:
    """A state_dir that can't be made is one clear error."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StateError, match=r"daemon\.lock"):
        lock_state(tmp_path / "file" / "state")


def test_limits() -> None:
    """The soft limit of descriptors is as high as it may be; limiting arenas works on this C library."""
    raise_descriptor_limit()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert soft == min(hard, 1 << 19)
    tune_malloc()


def test_a_hanging_thread_does_not_keep_the_process() -> None:
    """The process ends though a thread that is no daemon thread hangs."""
    program = (
        "import threading, sys\n"
        "from vawsum_agent.daemon.process import exit_now\n"
        "threading.Thread(target=threading.Event().wait).start()\n"
        "print('flushed')\n"
        "exit_now(3)\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=20, check=False)
    assert (ended.returncode, ended.stdout) == (3, b"flushed\n")


def test_a_hanging_main_thread_does_not_keep_the_process() -> None:
    """The process ends at the guaranteed time whatever its main thread does."""
    program = (
        "import time\nfrom vawsum_agent.daemon.process import guarantee_exit\nguarantee_exit(0.2, 4)\ntime.sleep(60)\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=20, check=False)
    assert ended.returncode == 4
