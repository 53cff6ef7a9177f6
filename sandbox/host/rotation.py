"""logrotate on a host's logs, with a private configuration and state; renames done by hand where it isn't installed."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from sandbox.host.logs import generations
from sandbox.host.visits import SLOW_S
from sandbox.servers.process import run

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sandbox.host.logs import LogFile
    from sandbox.host.web import WebHost

KEPT = 40
SETTLE_S = SLOW_S + 1.0
"""Between two rotations: a writer that ends a slow request late must not write to a file being compressed.
logrotate loses such lines; no reader can find them again."""

RENAME_AND_CREATE = ("compress", "delaycompress", "create")
"""Debian's way: the newest rotation stays uncompressed, since a server may still write to it."""


class Rotation:
    """Rotates all logs of a host whenever it is told to.

    Args:
        directory: for configuration and state.
        host: whose logs.
        options: logrotate's directives; `rotate` is set, so that nothing is deleted that a proof has to read.
    """

    def __init__(self, directory: Path, host: WebHost, options: Sequence[str] = RENAME_AND_CREATE) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._config = directory / "logrotate.conf"
        self._state = directory / "logrotate.state"
        self._host = host
        self._binary = shutil.which("logrotate", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
        commands = {host.postrotate.get(log.name, "") for log in host.logs}
        self._config.write_text("".join(self._stanza(command, options) for command in sorted(commands)))
        self._config.chmod(0o644)  # logrotate ignores a file that others may write

    @property
    def description(self) -> str:
        """What rotates."""
        return "logrotate" if self._binary else "renaming by hand (logrotate is not installed here)"

    def run(self) -> None:
        """Rotate every log once."""
        if self._binary:
            run(self._binary, "--force", "--state", str(self._state), str(self._config))
        else:
            for log in self._host.logs:
                _rename_all(log)
        self._host.reopen_logs()

    def _stanza(self, command: str, options: Sequence[str]) -> str:
        logs = [log for log in self._host.logs if self._host.postrotate.get(log.name, "") == command]
        lines = [f"rotate {KEPT}", "missingok", "sharedscripts", *options]
        if command:
            lines += ["postrotate", f"  {command}", "endscript"]
        paths = " ".join(str(log.path) for log in logs)
        return f"{paths} {{\n" + "".join(f"  {line}\n" for line in lines) + "}\n"


def _rename_all(log: LogFile) -> None:
    """Move each generation one number up; the reopening writer creates the live file again."""
    for file in generations(log.path):
        number = 0 if file == log.path else int(file.suffix[1:])
        if file.exists():
            file.rename(log.path.with_name(f"{log.path.name}.{number + 1}"))
