"""A client does not outlive the process that dumps, however that ends."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import psutil

from sandbox.servers.process import wait_until

if TYPE_CHECKING:
    from pathlib import Path

PARENT = """
import sys, time
from vawsum_agent.backup.dump.process import DumpProcess
with DumpProcess([sys.argv[1]]) as process:
    print(process.pid, flush=True)
    time.sleep(300)
"""


def test_killed_parent(tmp_path: Path) -> None:
    """When the parent is killed with -9, a client that waits and writes nothing is killed with it."""
    client = tmp_path / "client"
    client.write_text("#!/bin/sh\nexec sleep 300\n")
    client.chmod(0o755)
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(client)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    with parent, parent.stdout:
        child = psutil.Process(int(parent.stdout.readline()))
        assert wait_until(lambda: child.name() == "sleep", 30)
        parent.kill()
        assert wait_until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE, 30)


def test_environment_and_words(tmp_path: Path) -> None:
    """The client gets no variable of ours beyond a few, and of what it says the end is kept, on one printable line."""
    client = tmp_path / "client"
    talk = 'for i in $(seq 2000); do echo "line $i of many" >&2; done'
    script = f"#!/bin/sh\nenv | sort\n{talk}\nprintf '\\033[31mend\\n' >&2\nexit 3\n"
    client.write_text(script)
    client.chmod(0o755)
    code = (
        "import sys\nfrom vawsum_agent.backup.dump.process import DumpProcess\n"
        "with DumpProcess([sys.argv[1]]) as process:\n"
        "    while (block := process.read(65536, 1.0)) != b'':\n"
        "        sys.stdout.write((block or b'').decode())\n"
        "    print('code', process.wait(30)); print(process.last_words())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(client)],
        env={"PATH": "/usr/bin:/bin", "AWS_SECRET_ACCESS_KEY": "hunter2", "MYSQL_PWD": "hunter2", "PYTHONPATH": "."},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "hunter2" not in done.stdout
    assert "LC_ALL=C\n" in done.stdout
    assert "code 3\n" in done.stdout
    words = done.stdout.splitlines()[-1]
    assert words.endswith("line 2000 of many | \\x1b[31mend")
    assert len(words) < 8192
