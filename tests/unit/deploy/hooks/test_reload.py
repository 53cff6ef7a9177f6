"""The configured commands: in their order, without a shell, and the first that fails ends it."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from vawsum_agent.deploy.hooks.output import CommandError
from vawsum_agent.deploy.redact import Redactor
from vawsum_agent.deploy.reload import reload

if TYPE_CHECKING:
    from collections.abc import Mapping


def run(*commands: str, timeout_s: float = 20.0, environ: Mapping[str, str] = os.environ) -> list[str]:
    """Reload; gives what was said."""
    redact = Redactor()
    redact.add("hunter2-hunter2")
    said: list[str] = []
    reload(commands, timeout_s=timeout_s, say=said.append, redact=redact, environ=environ)
    return said


def test_words_and_no_shell(tmp_path: Path) -> None:
    """Split as a shell splits words, and nothing else that a shell does."""
    said = run(f"touch '{tmp_path}/a b' '{tmp_path}/$(id)'", f"rm '{tmp_path}/a b'")
    assert [path.name for path in tmp_path.iterdir()] == ["$(id)"]
    assert said == [f"running touch '{tmp_path}/a b' '{tmp_path}/$(id)'", f"running rm '{tmp_path}/a b'"]


def test_nothing_to_run() -> None:
    """No command is no failure."""
    assert run() == []


def test_first_failure_ends_it(tmp_path: Path) -> None:
    """The command, how it failed, its last lines without secrets; those after it are not run."""
    with pytest.raises(CommandError) as failed:
        run("sh -c 'echo a; echo no hunter2-hunter2 >&2; exit 5'", f"touch {tmp_path}/after")
    assert failed.value.message.endswith("exit 5' failed with exit code 5: no ***")
    assert "hunter2" not in str(failed.value)
    assert failed.value.tail == ("a", "no ***")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("nonexistent-command --now", "nonexistent-command --now can't be run: No such file"),
        ("echo 'x", "echo 'x is no command: No closing quotation"),
        ("  ", "an empty command can't be run"),
        ("true \0", "can't be run: embedded null byte"),
    ],
)
def test_what_is_no_command(command: str, message: str) -> None:
    """Told in words."""
    with pytest.raises(CommandError, match=message):
        run(command)


def test_timeout() -> None:
    """A reload that hangs is ended."""
    with pytest.raises(CommandError, match="sleep 67 did not end within 100ms and was ended"):
        run("sleep 67", timeout_s=0.1)


def test_what_it_starts_goes_on(tmp_path: Path) -> None:
    """A server that a reload started in the background stays, and the deploy does not wait for it."""
    began = time.monotonic()
    run(f"sh -c 'sleep 68 & echo $! >{tmp_path}/pid'")
    assert time.monotonic() - began < 3
    pid = int((tmp_path / "pid").read_text())
    assert psutil.pid_exists(pid)
    os.kill(pid, signal.SIGKILL)


def test_a_server_does_not_have_our_score(tmp_path: Path) -> None:
    """What a reload starts is to the kernel like anything else, however much sooner or later we would go (proc(5))."""
    (tmp_path / "score").touch()
    child = os.fork()
    if child == 0:
        try:
            Path("/proc/self/oom_score_adj").write_text("300")
            run(f"cp /proc/self/oom_score_adj {tmp_path}/score")
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert (tmp_path / "score").read_text() == "0\n"


def test_environment(tmp_path: Path) -> None:
    """Ours, with all that systemctl needs, and without credentials, which the server would keep."""
    environ = {
        "PATH": "/usr/bin:/bin",
        "DBUS_X": "1",
        "AWS_SECRET_ACCESS_KEY": "x",
        "NOTIFY_SOCKET": "x",
        "VAWSUM_A": "x",
    }
    script = tmp_path / "print.py"
    script.write_text(f"import os; open({str(tmp_path / 'names')!r}, 'w').write(' '.join(sorted(os.environ)))")
    run(f"{sys.executable} -I {script}", environ=environ)
    assert {"DBUS_X", "PATH"} <= set((tmp_path / "names").read_text().split()) <= {"DBUS_X", "PATH", "LC_CTYPE"}
