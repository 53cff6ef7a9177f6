"""Jobs as processes: they end with the daemon, they can be ended, and their last words are kept."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.unit.backup.jobs import wait_until
from vawsum_agent.backup.child import Job, command_for
from vawsum_agent.core.errors import BackupError


def job(script: str, environ: dict[str, str] | None = None) -> Job:
    """Run a script."""
    return Job([sys.executable, "-c", script], environ or {})


def ended(of: Job) -> int:
    """Wait for its end."""
    wait_until(lambda: of.exit_code() is not None, "the job ends")
    code = of.exit_code()
    assert code is not None
    return code


def test_how_it_ended_and_what_it_said_last() -> None:
    """The exit code, and the last line on stderr without the word that every error begins with."""
    run = job("import sys; print('a line', file=sys.stderr); sys.exit('error: it broke\\x1b[2J (mend it)\\n\\n')")
    assert ended(run) == 1
    assert run.last_words() == "it broke\\x1b[2J (mend it)"


def test_a_job_that_says_a_lot_is_not_held_up() -> None:
    """Only the end is kept, and nobody waits for a pipe that is full."""
    run = job(
        "import sys; [print('x' * 1000, file=sys.stderr) for _ in range(2000)]; print('the end', file=sys.stderr)"
    )
    assert ended(run) == 0
    assert run.last_words() == "the end"


def test_what_is_meant_for_the_daemon_stays_with_it() -> None:
    """Systemd's socket is not handed on: a job that told systemd of itself would speak for the daemon."""
    script = "import os, sys; sys.exit('NOTIFY_SOCKET' in os.environ or 'AWS_REGION' not in os.environ)"
    assert ended(job(script, {"NOTIFY_SOCKET": "/run/x", "AWS_REGION": "x"})) == 0


def test_it_ends_with_what_it_started() -> None:
    """Who ignores SIGTERM is killed, and its children with it."""
    run = job("import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)")
    time.sleep(1)
    assert run.end(1.0) == -9


def test_it_may_have_ended_by_itself() -> None:
    """To end one that ended a moment before gives how it did: nobody has to wait for it first."""
    run = job("import sys; sys.exit(3)")
    wait_until(lambda: psutil.Process(run.pid).status() == psutil.STATUS_ZOMBIE, "it has ended")
    assert run.end(1.0) == 3


def test_it_ends_in_order_when_it_listens() -> None:
    """SIGTERM comes first, and a job may take it for a wish."""
    run = job(
        "import signal, sys, time\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(3))\n"
        "print('ready', file=sys.stderr, flush=True)\ntime.sleep(600)"
    )
    wait_until(lambda: run.exit_code() is None and run.last_words() == "ready", "it is ready")
    assert run.end(30.0) == 3


def test_it_ends_when_the_daemon_is_killed(tmp_path: Path) -> None:
    """The kernel ends it with SIGTERM, so that it can take back what it began."""
    told = tmp_path / "told"
    inner = (
        "import pathlib, signal, sys, time\n"
        f"told = pathlib.Path({str(told)!r})\n"
        "signal.signal(signal.SIGTERM, lambda *_: (told.write_text('ended'), sys.exit(0)))\n"
        "told.write_text('runs')\ntime.sleep(600)"
    )
    daemon = (
        f"import sys, time\nfrom vawsum_agent.backup.child import Job\nJob([sys.executable, '-c', {inner!r}])\n"
        "time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", daemon]) as process:
        wait_until(lambda: told.exists() and told.read_text() == "runs", "the job runs")
        process.kill()
    wait_until(lambda: told.read_text() == "ended", "the job ended with the daemon")


def test_a_program_that_is_not_there_is_a_failed_job() -> None:
    """It ends at once, with words."""
    run = Job(["/nonexistent/python"], {})
    assert ended(run) != 0
    assert "No such file" in run.last_words()


def test_no_room_for_a_process_is_an_error_of_backups() -> None:
    """What the kernel refuses is told with what to do about it."""
    with pytest.raises(BackupError, match="can't be started"):
        Job([sys.executable, "-c", "x" * (1 << 22)], {})


def test_the_command_is_what_a_person_types() -> None:
    """The same interpreter, nothing from the current folder, the moment of the schedule, the same configuration."""
    command = command_for("drill", 1780000000.0, Path("/etc/vawsum-agent/agent.toml"))
    assert command[0] == sys.executable
    assert command[1] in {"-P", "-I"}
    expected = "-m vawsum_agent backup drill --slot 1780000000.0 --config /etc/vawsum-agent/agent.toml --json"
    assert " ".join(command[2:]) == expected
