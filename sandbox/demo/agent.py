"""The real daemon as a child process, watched and asked the way a user would."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

BINARY = Path(sys.executable).with_name("vawsum-agent")
ASK_LIMIT_S = 5.0
STOP_LIMIT_S = 40.0


class AgentError(Exception):
    """The daemon could not be started."""


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("agent", timeout=ASK_LIMIT_S)
        self._path = path

    def connect(self) -> None:
        """Connect to the socket instead of a host."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(ASK_LIMIT_S)
        self.sock.connect(str(self._path))


def as_user(user: str) -> list[str]:
    """What to put before a command so that root runs it as ``user``, with the capability that the unit gives."""
    if not user or os.geteuid() != 0:
        return []
    caps = "+dac_read_search"
    return [
        "setpriv",
        f"--reuid={user}",
        f"--regid={user}",
        "--clear-groups",
        f"--inh-caps={caps}",
        f"--ambient-caps={caps}",
        "--",
    ]


class Agent:
    """`vawsum-agent run` with its own state and runtime directories below `directory`.

    Args:
        directory: for all of that.
        environment: of the process.
        user: to run it as where root starts it, with the one capability of the unit; empty: as who starts it.

    Attributes:
        output: what the daemon wrote to its terminal.
    """

    def __init__(self, directory: Path, environment: Mapping[str, str], user: str = "") -> None:
        self.state_dir = directory / "state"
        self.runtime_dir = directory / "run"
        self.config = directory / "agent.toml"
        self.output = directory / "agent.log"
        for folder in (self.state_dir, self.runtime_dir):
            folder.mkdir(parents=True)
            if user and os.geteuid() == 0:
                shutil.chown(folder, user)
        self._prefix = as_user(user)
        self._environment = dict(environment)
        self._process: subprocess.Popen[bytes] | None = None
        if not BINARY.exists():
            message = f"{BINARY} is missing: run make setup"
            raise AgentError(message)

    def start(self) -> None:
        """Start the daemon; it may take a moment to answer."""
        with self.output.open("ab") as output:
            # A session of its own: Ctrl-C reaches the demo alone, which then stops the daemon in order.
            self._process = subprocess.Popen(
                [*self._prefix, BINARY, "run", "--config", self.config],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=self._environment,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The daemon's process id; 0 when it was not started."""
        return self._process.pid if self._process else 0

    @property
    def is_running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """End it as a crash or the kernel would: without a chance to say goodbye."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> int:
        """Ask it to stop, as systemd does. Returns its exit code; -9 when it had to be killed."""
        if self._process is None:
            return 0
        self._process.terminate()
        try:
            return self._process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self.kill()
            return -9

    def status(self) -> dict[str, Any] | None:
        """Ask the control socket, as `curl --unix-socket` would; None when nobody answers."""
        connection = _UnixConnection(self.runtime_dir / "control.sock")
        try:
            connection.request("GET", "/status")
            document = json.loads(connection.getresponse().read())
        except (OSError, http.client.HTTPException, ValueError):
            return None
        finally:
            connection.close()
        return document if isinstance(document, dict) else None

    def component(self, name: str) -> dict[str, Any]:
        """Return one component's part of the status; empty when the daemon doesn't answer."""
        rows = (self.status() or {}).get("components", [])
        return next((row for row in rows if row.get("name") == name), {})

    def command(self, *arguments: str) -> tuple[int, str]:
        """Run a command of the command line. Returns the exit code and what it said on stdout."""
        done = subprocess.run(
            [BINARY, *arguments, "--config", self.config],
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return done.returncode, done.stdout
