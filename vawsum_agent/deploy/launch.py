"""Starts the work of a deploy where nothing that befalls the command that asked for it can reach.

SSM ends a command by SIGKILL to its process group, when it is cancelled or takes too long. Under systemd the work is a
service of its own (a scope would be in the caller's process group), started once more when it is killed. Without
systemd, as in a container or on a laptop, it is a process in a session of its own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from vawsum_agent.core.errors import DeployError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_BOOTED_BY_SYSTEMD = Path("/run/systemd/system")
"""sd_booted(3)."""

_PASSED_ON = ("AWS_", "VAWSUM_")
_ALSO_PASSED_ON = {"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"}
_PATIENCE_S = 30.0

_PROPERTIES = (
    "Type=exec",
    "Restart=on-abnormal",  # killed, also for want of memory: it goes on from its journal
    "RestartSec=1s",
    "OOMPolicy=continue",  # a hook that takes all the memory is killed and fails; the deploy takes that back
    "OOMScoreAdjust=-500",
    "TimeoutStopSec=10min",  # at a shutdown it takes back what it began
    "KillMode=mixed",
)


class Job(Protocol):
    """The work, wherever it runs."""

    def is_alive(self) -> bool:
        """Whether it may still do something."""
        ...


def has_systemd() -> bool:
    """Whether a service can be started."""
    return os.geteuid() == 0 and _BOOTED_BY_SYSTEMD.is_dir() and shutil.which("systemd-run") is not None


def start(arguments: Sequence[str], *, unit: str, stray: Path) -> Job:
    """Start ``vawsum-agent`` with these arguments.

    Args:
        arguments: a command and its options.
        unit: name of the service, without suffix.
        stray: where what it prints goes without systemd; with it, the journal.

    Raises:
        DeployError: it could not be started.
    """
    command = [sys.executable, "-m", "vawsum_agent", *arguments]
    return _as_service(command, unit, os.environ) if has_systemd() else _detached(command, stray)


def passed_on(environment: Mapping[str, str]) -> list[str]:
    """Name the variables that the work needs as its caller has them. Values are never on a command line."""
    return sorted(name for name in environment if name.startswith(_PASSED_ON) or name in _ALSO_PASSED_ON)


class _Detached:
    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def is_alive(self) -> bool:
        return self._process.poll() is None


class _Service:
    def __init__(self, unit: str) -> None:
        self._unit = unit

    def is_alive(self) -> bool:
        command = ["systemctl", "is-active", "--quiet", self._unit]
        states = ["systemctl", "show", "--property=ActiveState", "--value", self._unit]
        if subprocess.run(command, check=False).returncode == 0:
            return True
        shown = subprocess.run(states, check=False, capture_output=True, text=True).stdout.strip()
        return shown in {"activating", "deactivating", "reloading"}  # activating: about to be started once more


def _detached(command: Sequence[str], stray: Path) -> Job:
    try:
        with stray.open("ab") as file:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True, cwd="/"
            )
    except OSError as exc:
        raise DeployError(f"the work can't be started: {exc.strerror}") from exc
    return _Detached(process)


def _as_service(command: Sequence[str], unit: str, environment: Mapping[str, str]) -> Job:
    service = f"{unit}.service"
    asked = [
        "systemd-run",
        "--quiet",
        "--collect",
        f"--unit={service}",
        f"--description=vawsum-agent: {unit}",
        *(f"--property={each}" for each in _PROPERTIES),
        *(f"--setenv={name}" for name in passed_on(environment)),
        "--",
        *command,
    ]
    try:
        done = subprocess.run(asked, check=False, capture_output=True, text=True, timeout=_PATIENCE_S)
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise DeployError(f"systemd-run does not start {service}: {exc}") from exc
    if done.returncode:
        said = " ".join(done.stderr.split()) or f"exit code {done.returncode}"
        raise DeployError(f"systemd-run does not start {service}: {said}", hint="see `systemctl --failed`")
    return _Service(service)
