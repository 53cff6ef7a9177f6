"""Runs a hook of a release. It is written by whoever writes the application, and may do anything that its user may."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vawsum_agent.core.text import printable
from vawsum_agent.core.units import counted, format_duration
from vawsum_agent.deploy.hooks.account import account_for
from vawsum_agent.deploy.hooks.child import Ended, Surroundings, run_child
from vawsum_agent.deploy.hooks.environment import of_account
from vawsum_agent.deploy.hooks.output import TAIL_LINES, CommandError, shown_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from vawsum_agent.deploy.hooks.release_file import Hook
    from vawsum_agent.deploy.redact import Redactor

_LONGEST_SHOWN = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class HookResult:
    """How a hook that did what it should went.

    Attributes:
        user: as whom it ran.
        lines: what it wrote, as far as it was kept, redacted.
        dropped_bytes: how much of what it wrote was not kept, out of the middle.
    """

    exit_code: int
    duration_s: float
    user: str
    lines: tuple[str, ...]
    dropped_bytes: int

    @property
    def tail(self) -> list[str]:
        """Its last lines."""
        return list(self.lines[-TAIL_LINES:])

    @property
    def is_truncated(self) -> bool:
        """Whether more was written than was kept."""
        return self.dropped_bytes > 0


def run_hook(
    name: str,
    hook: Hook,
    *,
    folder: Path,
    environment: Mapping[str, str],
    redact: Redactor,
    say: Callable[[str], None],
    default_user: str = "www-data",
    grace_s: float = 5.0,
) -> HookResult:
    """Run a hook and wait for its end. After a crash it is run again from its beginning: docs/deploy-toml.md says so.

    What it leaves behind in its process group is killed, and that is its failure: whoever wrote it counts on something
    that does not run. So nothing holds up the deploy, nor comes in the way of what follows. What left the group
    (setsid(1)) goes on, and nobody waits for it.

    Args:
        name: of `HOOK_NAMES`.
        hook: what to run.
        folder: the release's, in which it runs.
        environment: what it is told of the deploy, by `environment.of_deploy`; it has nothing else of ours.
        redact: takes secrets out of what it writes.
        say: is told that it begins, that it still runs, its last lines, and what it left behind.
        default_user: whom it runs as when it does not say and root deploys.
        grace_s: how long it may take to end in order after its timeout.

    Raises:
        CommandError: it can't be started, failed or took too long; `tail` has its last lines.
        DeployError: its user does not exist, or only root could become it.
    """
    account = account_for(hook.user, default_user=default_user)
    timeout = format_duration(hook.timeout)
    say(redact(f"hook {name} runs as {account.name}, for {timeout} at most: {_shown(hook.run)}"))
    surroundings = Surroundings(
        folder=folder,
        environment={**of_account(account), **environment, "VAWSUM_HOOK": name},
        account=account,
    )
    try:
        ended = run_child(
            ["/bin/sh", "-c", hook.run],
            surroundings,
            timeout_s=hook.timeout,
            grace_s=grace_s,
            say=lambda text: say(f"hook {name}: {text}"),
        )
    except OSError as exc:
        hint = f"it runs as {account.name} in {folder}"
        raise CommandError(printable(f"hook {name} can't be started: {exc.strerror}"), hint=printable(hint)) from exc
    lines = shown_lines(ended.output, redact)
    _show(lines, say)
    if ended.exit_code or ended.is_timed_out:
        hint = "give it more time in deploy.toml, or let it do less" if ended.is_timed_out else _where(folder)
        tail = lines[-TAIL_LINES:]
        raise CommandError(f"hook {name} {failure(ended, timeout)}{last_of(tail)}", hint=hint, tail=tail)
    if ended.left_behind:
        left = counted(ended.left_behind, "process", "processes")
        message = f"hook {name} left {left} in the background, which had to be killed"
        raise CommandError(
            message, hint="what is to go on is started by systemd, not by a hook", tail=lines[-TAIL_LINES:]
        )
    return HookResult(
        exit_code=ended.exit_code,
        duration_s=ended.duration_s,
        user=account.name,
        lines=lines,
        dropped_bytes=ended.output.dropped_bytes,
    )


def _show(lines: tuple[str, ...], say: Callable[[str], None]) -> None:
    if len(lines) > TAIL_LINES:
        say(f"  [{counted(len(lines) - TAIL_LINES, 'line')} before]")
    for line in lines[-TAIL_LINES:]:
        say(f"  {line}")


def failure(ended: Ended, timeout: str) -> str:
    """Say how a command failed."""
    if ended.is_timed_out:
        return f"did not end within {timeout} and was ended"
    if ended.exit_code < 0:
        try:
            return f"was ended by {signal.Signals(-ended.exit_code).name}"
        except ValueError:
            return f"was ended by signal {-ended.exit_code}"
    return f"failed with exit code {ended.exit_code}"


def last_of(tail: tuple[str, ...]) -> str:
    """Give the last line as the end of a message; empty where nothing was said."""
    return f": {tail[-1]}" if tail else ""


def _where(folder: Path) -> str:
    return printable(f"it ran in {folder}; see [hooks] in its deploy.toml")


def _shown(command: str) -> str:
    command = " ".join(command.split())
    return printable(command if len(command) <= _LONGEST_SHOWN else command[:_LONGEST_SHOWN] + "…")
