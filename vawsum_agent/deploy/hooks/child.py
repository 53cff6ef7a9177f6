"""Runs a command that is not ours to the end of its time, whatever it does: floods, hangs, forks, ignores signals.

It has a session and a process group of its own, and nothing to read. Its output is taken through a pipe, of which the
beginning and the end are kept. Nothing that it leaves behind can make us wait.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vawsum_agent.core.prefix import dying_with_us
from vawsum_agent.core.units import format_duration
from vawsum_agent.deploy.hooks.capture import Capture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from types import FrameType

    from vawsum_agent.deploy.hooks.account import Account

_LOOK_S = 0.02
_LAST_WORDS_S = 0.2
"""For what is in the pipe when the command has ended and something else still holds it open."""

_LEAVES_WITHIN_S = 2.0
"""For what is about to leave the group, or to end: `setsid worker &` may not have had its turn when the shell ends."""

_KILLED_WITHIN_S = 5.0
"""What the kernel does not end within this time hangs in a device or a network disk: nobody waits for that."""

_TOLD_EVERY_S = 30.0
_BLOCK_BYTES = 64 << 10
_UMASK = 0o022

_GOES_FIRST = 500
_AS_ANY_OTHER = 0
_BECOMES = 'unset PWD OLDPWD SHLVL; { echo "$0" >/proc/self/oom_score_adj; } 2>/dev/null; exec "$@"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command ended.

    Attributes:
        exit_code: negative: the signal that ended it.
        is_timed_out: it took too long, and was ended.
        left_behind: how many processes of its group were still there a moment after it had ended by itself.
        output: what it wrote, stdout and stderr as they came.
    """

    exit_code: int
    is_timed_out: bool
    duration_s: float
    left_behind: int
    output: Capture


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """In what a command runs.

    Attributes:
        environment: all of it.
        account: whom it runs as; None: as we do.
        ends_all: what it leaves behind in its process group is killed. Otherwise that goes on, and loses its output.
            When memory gets short, the one goes before what this host is there for; the other is part of that.
    """

    folder: Path
    environment: Mapping[str, str]
    account: Account | None = None
    ends_all: bool = True


def run_child(
    command: Sequence[str],
    surroundings: Surroundings,
    *,
    timeout_s: float,
    grace_s: float,
    say: Callable[[str], None],
) -> Ended:
    """Run a command and wait for its end: SIGTERM to its group after `timeout_s`, SIGKILL `grace_s` later.

    Args:
        command: a program and its arguments; without a slash it is looked for in the PATH of the environment.
        surroundings: in what.
        timeout_s: how long it may take.
        grace_s: how long it may take to end in order.
        say: is told now and then that it still runs.

    Raises:
        OSError: it can't be started.
    """
    child: _Child | None = None
    try:
        with _signals_as_usual():
            child = _Child(command, surroundings)
        return child.followed(timeout_s, grace_s, say)
    finally:
        # Also when we are told to stop in the middle.
        if child is not None:
            child.close(grace_s)


class _Child:
    def __init__(self, command: Sequence[str], surroundings: Surroundings) -> None:
        account = surroundings.account
        is_other = account is not None and account.groups is not None
        self._began_at = time.monotonic()
        self._ends_all = surroundings.ends_all
        # Recovery may run it again, and then it should not run twice; what it started itself ends with our service.
        self._process = subprocess.Popen(
            [*(dying_with_us() if surroundings.ends_all else ()), *_scored(command, surroundings)],
            cwd=surroundings.folder,
            env=dict(surroundings.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            umask=_UMASK,
            user=account.uid if account and is_other else None,
            group=account.gid if account and is_other else None,
            extra_groups=account.groups if account and is_other else None,
            bufsize=0,
        )
        assert self._process.stdout is not None  # noqa: S101 - asked for above
        self._pipe = self._process.stdout
        os.set_blocking(self._pipe.fileno(), False)
        self._capture = Capture()
        self._is_reaped = False

    def followed(self, timeout_s: float, grace_s: float, say: Callable[[str], None]) -> Ended:
        is_timed_out = not self._ends_within(timeout_s, say)
        if is_timed_out:
            self._signal(signal.SIGTERM)
            if not self._ends_within(grace_s, say):
                self._signal(signal.SIGKILL)
                self._ends_within(_KILLED_WITHIN_S, say)
        duration_s = time.monotonic() - self._began_at
        self._listen_until(time.monotonic() + _LAST_WORDS_S)
        left_behind = self._left_behind() if self._ends_all and not is_timed_out else 0
        if is_timed_out or self._ends_all:
            self._signal(signal.SIGKILL)
            self._listen_until(time.monotonic() + _LOOK_S)
        return Ended(
            exit_code=self._reaped(),
            is_timed_out=is_timed_out,
            duration_s=duration_s,
            left_behind=left_behind,
            output=self._capture,
        )

    def close(self, grace_s: float) -> None:
        """End it, if it has not ended: we were told to stop, and nobody waits for it any more."""
        if not self._is_reaped:
            self._signal(signal.SIGTERM)
            self._ends_within(grace_s, _silent)
            self._signal(signal.SIGKILL)
            self._reaped()
        self._pipe.close()

    def _ends_within(self, seconds: float, say: Callable[[str], None]) -> bool:
        ends_at = time.monotonic() + seconds
        told_at = time.monotonic()
        while not self._has_ended():
            if time.monotonic() >= ends_at:
                return False
            self._listen(_LOOK_S)
            if time.monotonic() - told_at >= _TOLD_EVERY_S:
                told_at = time.monotonic()
                say(f"still running after {format_duration(told_at - self._began_at)}")
        return True

    def _has_ended(self) -> bool:
        # Not reaped yet, it keeps its number: signals to its group can't reach a stranger's.
        return os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def _listen_until(self, ends_at: float) -> None:
        """Take what is still said, until nobody holds the pipe any more, or the time is over."""
        while not self._pipe.closed and time.monotonic() < ends_at:
            self._listen(_LOOK_S)

    def _left_behind(self) -> int:
        """Count what stays in its group, once what only passes through has had the time to leave."""
        ends_at = time.monotonic() + _LEAVES_WITHIN_S
        while (count := _count_in_group(self._process.pid)) and time.monotonic() < ends_at:
            self._listen(_LOOK_S)
        return count

    def _listen(self, wait_s: float) -> None:
        """Take one block of what it wrote. An end of its output is no end of the command: it may have closed it."""
        if self._pipe.closed:
            time.sleep(wait_s)
            return
        if not select.select([self._pipe], [], [], wait_s)[0]:
            return
        with suppress(BlockingIOError):
            block = os.read(self._pipe.fileno(), _BLOCK_BYTES)
            self._capture.add(block)
            if not block:
                self._pipe.close()

    def _signal(self, number: signal.Signals) -> None:
        # PermissionError: all that is left of it has become somebody else, such as by sudo.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    def _reaped(self) -> int:
        try:
            code = self._process.wait(_KILLED_WITHIN_S)
        except subprocess.TimeoutExpired:
            code = -signal.SIGKILL
        self._is_reaped = True
        return code


def _scored(command: Sequence[str], surroundings: Surroundings) -> list[str]:
    """Give the command so that it does not have our score for the kernel's OOM killer (proc(5): oom_score_adj).

    The service of a deploy is among the last to go, and what it starts would be as well. A shell sets it, and becomes
    the command: a forked child of a process with threads must not run Python.
    """
    if shutil.which(command[0], path=surroundings.environment.get("PATH")) is None:
        return list(command)  # what keeps it from being started is for the one who starts it to learn
    score = _GOES_FIRST if surroundings.ends_all else _AS_ANY_OTHER
    return ["/bin/sh", "-c", _BECOMES, str(score), *command]


def _silent(_text: str) -> None:
    """Say nothing."""


@contextmanager
def _signals_as_usual() -> Iterator[None]:
    """Start a child that does not ignore SIGTERM where we do, and don't be stopped between its start and our knowing.

    What is ignored stays so across execve(2), and no shell could trap it; what is handled becomes the default.
    """
    before = signal.getsignal(signal.SIGTERM)
    if before is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        came.append(number)

    signal.signal(signal.SIGTERM, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
        if came:
            signal.raise_signal(signal.SIGTERM)


def _count_in_group(group: int) -> int:
    """Count the processes of a group that run, beside the one that leads it."""
    count = 0
    for name in os.listdir("/proc"):  # noqa: PTH208 - names are all that is needed
        if not name.isdigit() or int(name) == group:
            continue
        with suppress(OSError):
            # proc(5): what follows the name, in which anything may stand: state, parent, group, …
            state, _, of_group = Path("/proc", name, "stat").read_bytes().rpartition(b") ")[2].split()[:3]
            count += state not in {b"Z", b"X"} and int(of_group) == group
    return count
