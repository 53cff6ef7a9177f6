"""Hooks are the application's own commands: whatever they do, a deploy goes on, and says what they did."""

from __future__ import annotations

import os
import pwd
import signal
import subprocess
import sys
import time
import tracemalloc
from contextlib import suppress
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.counts import count
from tests.unit.deploy.hooks.running import ME
from vawsum_agent.core.errors import DeployError
from vawsum_agent.core.units import format_bytes
from vawsum_agent.deploy.hooks.account import account_for
from vawsum_agent.deploy.hooks.output import CommandError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.deploy.hooks.running import Hooks

IS_ROOT = os.geteuid() == 0


def is_running(pid: int) -> bool:
    """Whether a process does something still."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def ends_soon(pid: int) -> bool:
    """Wait until a process has ended."""
    until = time.monotonic() + 5
    while is_running(pid) and time.monotonic() < until:
        time.sleep(0.01)
    return not is_running(pid)


def test_what_a_hook_says_is_kept_and_shown(hooks: Hooks) -> None:
    """Both outputs in their order, in the release's folder, as a shell runs it."""
    result = hooks.run('pwd; echo "two  words" >&2; printf "no end\\033[2J"')
    assert result.lines == (str(hooks.folder), "two  words", "no end\\x1b[2J")
    assert result.tail == list(result.lines)
    assert result.exit_code == 0
    assert not result.is_truncated
    assert hooks.said[0].startswith(f"hook switched runs as {ME}, for 20s at most: pwd;")
    assert hooks.said[1:] == [f"  {line}" for line in result.lines]


def test_environment(hooks: Hooks) -> None:
    """It has what is documented and nothing of ours, above all no credentials."""
    hooks.redact.add("nothing of the kind")
    script = 'exec cat /proc/self/environ | tr "\\0" "\\n"'
    names = sorted(line.partition("=")[0] for line in hooks.run(script).lines)
    # PWD is of the shell itself.
    ours = ["HOME", "LANG", "LOGNAME", "PATH", "SHELL", "USER", "VAWSUM_HOOK", "VAWSUM_RELEASE"]
    assert [name for name in names if name not in {"PWD", "OLDPWD", "SHLVL", "_"}] == ours


def test_nothing_to_read_no_descriptor_and_an_umask(hooks: Hooks) -> None:
    """A hook that asks a question gets no answer at once; it holds nothing of ours open."""
    before = os.umask(0o077)
    try:
        with (hooks.folder / "held").open("w") as held:
            os.set_inheritable(held.fileno(), True)  # noqa: FBT003 - takes no keywords
            result = hooks.run("cat; umask; ls /proc/self/fd | tr '\\n' ' '")
    finally:
        os.umask(before)
    umask, descriptors = result.lines
    assert umask == "0022"
    assert descriptors == "0 1 2 3"  # the last is that of ls itself


def test_failure(hooks: Hooks) -> None:
    """One line with the hook, how it failed and the last that it said; more lines beside it; no secret in any."""
    hooks.redact.add("hunter2-hunter2")
    with pytest.raises(CommandError) as failed:
        hooks.run("echo first; echo 'login as hunter2-hunter2 failed'; exit 3")
    assert failed.value.message == "hook switched failed with exit code 3: login as *** failed"
    assert failed.value.tail == ("first", "login as *** failed")
    assert "hunter2" not in str(hooks.said)


@pytest.mark.parametrize(
    ("command", "what"),
    [
        ("kill -9 $$", "was ended by SIGKILL"),
        ("exec /nonexistent", "failed with exit code 127: "),
        ("if then", "failed with exit code 2: "),
        ("exit 1", "failed with exit code 1"),
    ],
)
def test_ways_to_fail(hooks: Hooks, command: str, what: str) -> None:
    """A signal, a program that is missing, what is no shell script, silence."""
    with pytest.raises(CommandError, match=f"^hook switched {what}"):
        hooks.run(command)


def test_a_folder_that_is_gone(hooks: Hooks) -> None:
    """Not being started is a failure with words."""
    hooks.folder /= "gone"
    with pytest.raises(CommandError, match="hook switched can't be started: No such file"):
        hooks.run("true")


def test_timeout(hooks: Hooks) -> None:
    """SIGTERM comes first, to all of its group, and it may use the time that it has left."""
    with pytest.raises(CommandError, match="did not end within 150ms and was ended: tidied up") as failed:
        hooks.run("trap 'echo tidied up; exit' TERM; echo begun; sleep 60 & wait", timeout_s=0.15)
    assert failed.value.tail == ("begun", "tidied up")


def test_ignoring_sigterm(hooks: Hooks) -> None:
    """Who ignores it is killed, with all that it started."""
    began = time.monotonic()
    with pytest.raises(CommandError, match="did not end within 150ms") as failed:
        hooks.run("trap '' TERM; sleep 61 & echo $!; while :; do sleep 60; done", timeout_s=0.15, grace_s=0.1)
    assert time.monotonic() - began < 3
    assert ends_soon(int(failed.value.tail[0]))


def test_sigterm_reaches_a_hook_of_a_deploy_that_ignores_it(hooks: Hooks) -> None:
    """On the way back a deploy ignores SIGTERM, and its hooks do not: they can still be asked to end."""
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with pytest.raises(CommandError, match="bye"):
            hooks.run("trap 'echo bye; exit' TERM; sleep 60 & wait", timeout_s=0.2, grace_s=60)
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, before)


def test_background_process_in_its_group(hooks: Hooks) -> None:
    """What is left in the background holds up nothing, though it holds the output: killed, it makes the hook fail."""
    began = time.monotonic()
    with pytest.raises(CommandError, match="left 1 process in the background") as failed:
        hooks.run("sleep 62 & echo $!")
    assert time.monotonic() - began < 30
    assert ends_soon(int(failed.value.tail[0]))


def test_quiet_background_process_in_its_group(hooks: Hooks) -> None:
    """The same when it holds no output."""
    with pytest.raises(CommandError, match="left 1 process in the background") as failed:
        hooks.run("sleep 62 >/dev/null 2>&1 & echo $!")
    assert ends_soon(int(failed.value.tail[0]))


def test_daemon_that_left_its_group(hooks: Hooks) -> None:
    """One that holds the output and can't be found by its group is waited for no longer; it goes on."""
    began = time.monotonic()
    result = hooks.run("setsid sleep 63 & echo $!; sleep 0.1")
    assert time.monotonic() - began < 3
    pid = int(result.lines[0])
    assert is_running(pid)
    os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("then", ["exec setsid sleep 63", "exit"])
def test_what_only_passes_through_its_group(hooks: Hooks, then: str) -> None:
    """A command in the background may not have come to `setsid`, or to its end, when the hook itself has ended."""
    result = hooks.run(f"(sleep 0.6; {then}) >/dev/null 2>&1 & echo $!")
    with suppress(ProcessLookupError):
        os.kill(int(result.lines[0]), signal.SIGKILL)


def test_closed_output(hooks: Hooks) -> None:
    """A hook that says nothing any more is waited for all the same."""
    hooks.run(f"exec >&- 2>&-; sleep 0.2; touch {hooks.folder}/done")
    assert (hooks.folder / "done").exists()


def test_flood(hooks: Hooks) -> None:
    """Of very much the beginning and the end are kept, and memory does not grow with what comes between."""
    size_bytes = count(20_000_000, 100_000_000)
    tracemalloc.start()
    try:
        result = hooks.run(f"echo begun; yes 'a line of little interest' | head -c {size_bytes}; echo; echo ended")
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak_bytes < 8 << 20
    assert result.is_truncated
    assert result.dropped_bytes == size_bytes + len("begun\n\nended\n") - 2 * (64 << 10)
    assert (result.lines[0], result.lines[-1]) == ("begun", "ended")
    assert f"[{format_bytes(result.dropped_bytes)} left out]" in result.lines
    assert len(hooks.said) == 22


def test_secret_at_the_cut(hooks: Hooks) -> None:
    """Where the middle of an output is dropped, no half of a secret is shown."""
    hooks.redact.add("s3cr3t-" * 4)
    script = f"head -c {(64 << 10) - 10} /dev/zero | tr '\\0' .; printf %s {'s3cr3t-' * 4}; head -c 99999 /dev/zero"
    assert "s3cr" not in "".join(hooks.run(script).lines)


def test_it_is_stopped_with_the_deploy(hooks: Hooks) -> None:
    """A deploy that is told to stop asks its hook to end, and leaves nothing running."""

    def stop(_number: int, _frame: object) -> None:
        raise DeployError("asked to stop")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, 0.15)
    try:
        with pytest.raises(DeployError, match="asked to stop"):
            hooks.run(f"trap 'touch {hooks.folder}/asked; exit' TERM; echo $$ >{hooks.folder}/pid; sleep 64 & wait")
    finally:
        signal.signal(signal.SIGALRM, before)
    assert (hooks.folder / "asked").exists()
    assert ends_soon(int((hooks.folder / "pid").read_text()))


def test_it_goes_when_the_deploy_is_killed(tmp_path: Path) -> None:
    """A hook does not go on while recovery runs it once more."""
    deploy = (
        "from pathlib import Path; from tests.unit.deploy.hooks.running import Hooks\n"
        f"Hooks(Path({str(tmp_path)!r})).run('sleep 65 & echo $$ $! >pid.new; mv pid.new pid; wait')"
    )
    with subprocess.Popen([sys.executable, "-c", deploy]) as process:
        until = time.monotonic() + 20
        while not (tmp_path / "pid").exists() and time.monotonic() < until:
            time.sleep(0.02)
        process.kill()
    shell, child = map(int, (tmp_path / "pid").read_text().split())
    assert ends_soon(shell)
    os.kill(child, signal.SIGKILL)


@pytest.mark.parametrize("user", [ME, *(["nobody"] if IS_ROOT else [])])
def test_it_goes_first_when_memory_gets_short(hooks: Hooks, user: str) -> None:
    """The kernel ends a hook rather than what the host is there for, and never us for a hook."""
    for folder in (hooks.folder, hooks.folder.parent, hooks.folder.parent.parent):
        folder.chmod(0o755)
    assert hooks.run("cat /proc/self/oom_score_adj", user=user).lines == ("500",)


@pytest.mark.skipif(not IS_ROOT, reason="only root becomes another user")
def test_another_user(hooks: Hooks) -> None:
    """Root runs a hook as somebody else, with his groups and home and none of root's, and can still end it."""
    nobody = pwd.getpwnam("nobody")
    for folder in (hooks.folder, hooks.folder.parent, hooks.folder.parent.parent):
        folder.chmod(0o755)
    result = hooks.run("id -u; id -g; id -G; echo $USER $LOGNAME $HOME; touch x || echo refused", user="nobody")
    assert result.lines[:3] == (str(nobody.pw_uid), str(nobody.pw_gid), str(nobody.pw_gid))
    assert result.lines[3] == f"nobody nobody {nobody.pw_dir}"
    assert result.lines[-1] == "refused"
    assert result.user == "nobody"
    with pytest.raises(CommandError, match="did not end within"):
        hooks.run("trap '' TERM; while :; do sleep 66; done", user="nobody", timeout_s=0.1, grace_s=0.1)


@pytest.mark.skipif(not IS_ROOT, reason="anybody else runs hooks as himself")
def test_root_is_nobodys_default() -> None:
    """A hook that names nobody runs as the web server's user, where root deploys; who that is must exist."""
    assert account_for("", default_user="nobody").name == "nobody"
    with pytest.raises(DeployError, match="hooks are to run as web-user, and this host has no such user"):
        account_for("", default_user="web-user")


def test_a_user_that_does_not_exist(hooks: Hooks) -> None:
    """Is told of in words."""
    with pytest.raises(DeployError, match="hooks are to run as nemo, and this host has no such user"):
        hooks.run("true", user="nemo")


@pytest.mark.skipif(IS_ROOT, reason="root becomes anybody")
def test_only_root_becomes_another_user(hooks: Hooks) -> None:
    """Anybody else is told so."""
    with pytest.raises(DeployError, match="only root can run a hook as root"):
        hooks.run("true", user="root")
