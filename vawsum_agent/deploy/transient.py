"""A command of ours as a service of systemd's (systemd-run(1)), which outlives its caller and is restarted when killed.

A service, and no scope, which would stay in the caller's process group.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

from vawsum_agent.core.errors import DeployError
from vawsum_agent.core.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_BOOTED_BY_SYSTEMD = Path("/run/systemd/system")
"""sd_booted(3)."""

_RUN = Path("/run")
_PATIENCE_S = 30.0
_ASKED_EVERY_S = 0.5
_SHOWS_WITHIN_S = 5.0
"""What systemd was asked for while it had no time to answer."""

_PROPERTIES = (
    "Type=exec",
    "User=root",  # with it come HOME, USER and SHELL (systemd.exec(5))
    "Restart=on-abnormal",  # killed, also for want of memory: it goes on from its journal
    "RestartSec=1s",
    "OOMPolicy=continue",  # a hook that takes all the memory is killed and fails; the deploy takes that back
    "OOMScoreAdjust=-500",
    # Stopped by somebody, it takes back what it began. At a shutdown it can't: servers are no longer reloaded, and this
    # host is not to be in service. It stops where it is, and the next boot takes it back.
    "ExecStop=-/bin/sh -c 'if [ \"$(systemctl is-system-running)\" = stopping ]; then kill -KILL $MAINPID; fi'",
    "TimeoutStopSec=10min",
    "KillMode=mixed",
    "SyslogIdentifier=vawsum-agent",
    "StateDirectory=vawsum-agent-deploys",  # where the daemon sees the records: `copies`
    "StateDirectoryMode=0755",
)


def has_systemd() -> bool:
    """Whether a service can be started."""
    return os.geteuid() == 0 and _BOOTED_BY_SYSTEMD.is_dir() and shutil.which("systemd-run") is not None


def start_service(
    command: Sequence[str],
    unit: str,
    variables: Mapping[str, str],
    *,
    run: Path = _RUN,
    patience_s: float = _PATIENCE_S,
    shows_within_s: float = _SHOWS_WITHIN_S,
) -> Service:
    """Start a command as a service. One that runs under this name already is left alone, and is it.

    Args:
        command: its first word is an absolute path.
        unit: name of the service, without suffix.
        variables: what its environment has besides; nobody else gets to see them.
        run: where they lie meanwhile.
        patience_s: for systemd-run, which may be long about it on a loaded host.
        shows_within_s: for a service that comes all the same.

    Raises:
        DeployError: it could not be started.
    """
    service = Service(f"{unit}.service")
    folder = run / unit
    try:
        file = _written(folder, variables)
        done = subprocess.run(
            [
                *("systemd-run", "--quiet", "--collect", f"--unit={unit}.service"),
                f"--description=vawsum-agent: {unit}",
                *(f"--property={each}" for each in (*_PROPERTIES, *_environment(folder, file))),
                "--",
                *command,
            ],
            check=False,
            capture_output=True,
            text=True,
            timeout=patience_s,
        )
    except OSError as exc:
        raise DeployError(f"systemd-run does not start {unit}.service: {exc}") from exc
    except subprocess.TimeoutExpired:
        trouble, is_there = f"no answer within {patience_s:.0f} s", _shows(service, shows_within_s)
    else:
        trouble = " ".join(done.stderr.split()) or f"exit code {done.returncode}"
        is_there = not done.returncode or service.is_alive()
    if not is_there:
        # Begun later than we can see, it finds no environment, and does not deploy what nobody waits for any more.
        shutil.rmtree(folder, ignore_errors=True)
        raise DeployError(
            printable(f"systemd-run does not start {unit}.service: {trouble}"), hint="see `systemctl --failed`"
        )
    return service


def _shows(service: Service, within_s: float) -> bool:
    ends_at = time.monotonic() + within_s
    while not service.is_alive():
        if time.monotonic() >= ends_at:
            return False
        time.sleep(_ASKED_EVERY_S)
    return True


class Service:
    """A service that was started.

    Args:
        name: with its suffix.
    """

    def __init__(self, name: str, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._name = name
        self._monotonic = monotonic
        self._asked_at = -_PATIENCE_S

    def is_alive(self) -> bool:
        """Whether it may still do something, as of half a second ago: systemd has other work, too.

        Where systemd gives no answer, it may.
        """
        now = self._monotonic()
        if now - self._asked_at < _ASKED_EVERY_S:
            return True
        asked = ["systemctl", "show", "--property=ActiveState,Job", self._name]
        try:
            shown = subprocess.run(asked, check=False, capture_output=True, text=True, timeout=_PATIENCE_S)
        except (OSError, subprocess.TimeoutExpired):
            return True
        if shown.returncode:
            return True
        if is_at_work(shown.stdout):
            self._asked_at = now
            return True
        return False


def is_at_work(shown: str) -> bool:
    """Tell from ``systemctl show --property=ActiveState,Job``. Pure.

    Killed, a service waits for its restart (`activating`), and on the way there it is `inactive` for a moment, with the
    job that starts it.
    """
    values = dict(line.partition("=")[::2] for line in shown.splitlines())
    return values.get("ActiveState") not in {"inactive", "failed"} or values.get("Job", "") not in {"", "0"}


def as_environment_file(variables: Mapping[str, str]) -> str:
    """Write variables as systemd reads them (``EnvironmentFile=`` in systemd.exec(5)). Pure."""
    return "".join(f"{name}={_quoted(value)}\n" for name, value in sorted(variables.items()))


def _quoted(value: str) -> str:
    escaped = "".join(f"\\{letter}" if letter in '\\"`$' else letter for letter in value)
    return f'"{escaped}"'


def _written(folder: Path, variables: Mapping[str, str]) -> Path:
    """Write variables where root alone reads them: a service's `Environment` is told to every user who asks."""
    folder.mkdir(0o700, exist_ok=True)
    file = folder / "environment"
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with open(descriptor, "w", encoding="utf-8", errors="surrogateescape") as opened:  # noqa: PTH123 - a descriptor
        opened.write(as_environment_file(variables))
    return file


def _environment(folder: Path, file: Path) -> list[str]:
    """Have it read at each start, and removed by systemd once the service has ended for good, whatever ended it."""
    return [
        f"EnvironmentFile={file}",
        f"RuntimeDirectory={folder.name}",
        "RuntimeDirectoryMode=0700",
        "RuntimeDirectoryPreserve=restart",
    ]
