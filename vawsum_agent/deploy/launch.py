"""Starts the work of a deploy where nothing that befalls the command that asked for it can reach.

SSM ends a command by SIGKILL to its process group, when it is cancelled or takes too long. Under systemd the work is a
service of its own, see `transient`; without, as in a container or on a laptop, a process in a session of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

from vawsum_agent.core.errors import DeployError
from vawsum_agent.deploy.transient import has_systemd, start_service

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_PASSED_ON = ("AWS_", "VAWSUM_")
_ALSO_PASSED_ON = {"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"}


class Job(Protocol):
    """The work, wherever it runs."""

    def is_alive(self) -> bool:
        """Whether it may still do something."""
        ...


def start(arguments: Sequence[str], *, unit: str, stray: Path) -> Job:
    """Start ``vawsum-agent`` with these arguments.

    Args:
        arguments: a command and its options.
        unit: name of the service, without suffix. One that runs under this name already is it.
        stray: where what it prints goes without systemd, if there is room for it; with systemd, its journal.

    Raises:
        DeployError: it could not be started.
    """
    # Isolated where we are: neither a folder nor a variable of the caller's decides what root runs.
    command = [sys.executable, *(["-I"] if sys.flags.isolated else []), "-m", "vawsum_agent", *arguments]
    if has_systemd():
        return start_service(command, unit, {name: os.environ[name] for name in passed_on(os.environ)})
    return _detached(command, stray)


def passed_on(environment: Mapping[str, str]) -> list[str]:
    """Name the variables that the work needs as its caller has them."""
    return sorted(name for name in environment if name.startswith(_PASSED_ON) or name in _ALSO_PASSED_ON)


class _Detached:
    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def is_alive(self) -> bool:
        return self._process.poll() is None


def _detached(command: Sequence[str], stray: Path) -> Job:
    try:
        with _opened(stray) as file:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True, cwd="/"
            )
    except OSError as exc:
        raise DeployError(f"the work can't be started: {exc.strerror}") from exc
    return _Detached(process)


def _opened(stray: Path) -> BinaryIO:
    try:
        return stray.open("ab")
    except OSError:
        # A full disk may have room for no file. What lies here drained is taken back all the same.
        return Path(os.devnull).open("ab")
