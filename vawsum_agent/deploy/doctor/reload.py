"""Whether the commands that reload servers are there, and what they name."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from vawsum_agent.core.finding import Finding, Severity
from vawsum_agent.core.text import printable
from vawsum_agent.deploy.hooks.environment import STANDARD_PATH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vawsum_agent.config.model import DeployApp

_LIMIT_S = 5.0
_VERBS = frozenset({"reload", "restart", "reload-or-restart", "try-reload-or-restart", "try-restart"})


def is_known_unit(unit: str) -> bool:
    """Whether systemd knows a unit, as far as it can be asked; where it does not run, nothing is said against any."""
    if not Path("/run/systemd/system").is_dir():
        return True
    command = ["systemctl", "show", "--property=LoadState", "--value", "--", unit]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_LIMIT_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return True
    return done.stdout.strip() != "not-found"


def commands(app: DeployApp, is_known_unit: Callable[[str], bool] = is_known_unit) -> Iterator[Finding]:
    """Look for each command as a deploy would find it."""
    where = f"reload of {app.name}"
    if not app.reload:
        what = "no command: PHP goes on with what it remembers of the release before"
        yield Finding(Severity.WARNING, what, where, 'set it, such as reload = ["systemctl reload php8.2-fpm"]')
        return
    wrong = [found for command in app.reload if (found := _wrong(command, is_known_unit))]
    for what, remedy in wrong:
        yield Finding(Severity.PROBLEM, f"{what}: every deploy is taken back", where, remedy)
    if not wrong:
        yield Finding(Severity.OK, f"{len(app.reload)} to run, and all are there", where)


def _wrong(command: str, is_known_unit: Callable[[str], bool]) -> tuple[str, str] | None:
    """Say what is wrong with a command, and what a person does about it."""
    shown = printable(command)
    try:
        words = shlex.split(command)
    except ValueError as error:
        return f"{shown} is no command: {error}", "close its quotes"
    if not words:
        return "a command is empty", "remove it from `reload`"
    if shutil.which(words[0], path=os.environ.get("PATH", STANDARD_PATH)) is None:
        return f"{printable(words[0])} is not there, or can't be run", "install it, or correct `reload`"
    unknown = [unit for unit in _units(words) if not is_known_unit(unit)]
    if unknown:
        return f"there is no unit {printable(unknown[0])}", "see its name: systemctl list-units '*fpm*' '*apache*'"
    return None


def _units(words: list[str]) -> list[str]:
    plain = [word for word in words[1:] if not word.startswith("-")]
    is_systemctl = words[0].rpartition("/")[2] == "systemctl"
    return plain[1:] if is_systemctl and plain and plain[0] in _VERBS else []
