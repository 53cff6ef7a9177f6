"""Has the servers take up what is served now, by the commands of the configuration."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from vawsum_agent.core.text import printable
from vawsum_agent.core.units import format_duration
from vawsum_agent.deploy.hooks.child import Surroundings, run_child
from vawsum_agent.deploy.hooks.environment import STANDARD_PATH
from vawsum_agent.deploy.hooks.output import TAIL_LINES, CommandError, shown_lines
from vawsum_agent.deploy.hooks.run import failure, last_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from vawsum_agent.deploy.redact import Redactor

_HELD_BACK = ("AWS_", "VAWSUM_")
"""Ours alone. A reload speaks to servers of this host, and what it starts would keep what it was given."""

_OF_SYSTEMD = ("NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES")
"""Meant for our service alone (sd_notify(3))."""

_GRACE_S = 5.0


def reload(
    commands: Sequence[str],
    *,
    timeout_s: float,
    say: Callable[[str], None],
    redact: Redactor,
    environ: Mapping[str, str] = os.environ,
) -> None:
    """Run the commands one after the other, without a shell, as whoever deploys. To reload twice does no harm.

    What a command starts goes on when it ends: it may well be the server.

    Args:
        commands: as they stand in ``deploy.app.reload``, split as a shell splits words.
        timeout_s: for each.
        say: is told which runs.
        redact: takes secrets out of what they write.
        environ: ours; they inherit it, but for what is meant for us.

    Raises:
        CommandError: one can't be started, failed or took too long; those after it were not run.
    """
    environment = {
        "PATH": STANDARD_PATH,
        **{name: value for name, value in environ.items() if not name.startswith(_HELD_BACK)},
    }
    for name in _OF_SYSTEMD:
        environment.pop(name, None)
    for command in commands:
        shown = redact(printable(command))
        say(f"running {shown}")
        _run(command, shown, environment, timeout_s, say=say, redact=redact)


def _run(
    command: str,
    shown: str,
    environment: Mapping[str, str],
    timeout_s: float,
    *,
    say: Callable[[str], None],
    redact: Redactor,
) -> None:
    hint = "see `reload` of this application in the configuration"
    try:
        words = shlex.split(command)
    except ValueError as exc:
        raise CommandError(f"{shown} is no command: {exc}", hint=hint) from exc
    if not words:
        raise CommandError("an empty command can't be run", hint=hint)
    try:
        ended = run_child(
            words,
            Surroundings(folder=Path("/"), environment=environment, ends_all=False),
            timeout_s=timeout_s,
            grace_s=_GRACE_S,
            say=lambda text: say(f"{shown}: {text}"),
        )
    except (OSError, ValueError) as exc:  # ValueError: a NUL in it
        reason = exc.strerror if isinstance(exc, OSError) else exc
        raise CommandError(f"{shown} can't be run: {reason}", hint=hint) from exc
    if ended.exit_code or ended.is_timed_out:
        tail = shown_lines(ended.output, redact)[-TAIL_LINES:]
        message = f"{shown} {failure(ended, format_duration(timeout_s))}{last_of(tail)}"
        raise CommandError(message, hint=hint, tail=tail)
