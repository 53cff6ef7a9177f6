"""A web host of the deploys scene with the agent on it: its configuration, its daemon, and commands while they run."""

from __future__ import annotations

import json
import subprocess
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

import psutil

from sandbox.demo.agent import BINARY, Agent

if TYPE_CHECKING:
    from sandbox.host.fleet import FleetHost

APP = "web"
BUCKET = "vawsum-artifacts"
WINDOW_S = 5

_GUARD = f"""
[deploy.app.guard]
window = "{WINDOW_S}s"
min_requests = 30
max_5xx_ratio = 0.02
required = true

[logs]
flush_interval = "500ms"
[[logs.source]]
name = "apache-access"
paths = ["{{log}}"]
format = "apache-access"
"""


class Command:
    """A command of the agent that was begun on a host. What it says meanwhile goes into a file, which keeps it all."""

    def __init__(self, host: DeployHost, arguments: tuple[str, ...]) -> None:
        self._said = host.directory / "said"
        with self._said.open("wb") as said:
            self._process = subprocess.Popen(
                [BINARY, *arguments, "--config", host.agent.config],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=said,
                env=host.environment,
                text=True,
                start_new_session=True,
            )

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self._process.poll() is not None

    @property
    def last_line(self) -> str:
        """What it said last."""
        lines = self._said.read_text(errors="replace").splitlines()
        return lines[-1] if lines else ""

    def result(self) -> tuple[int, str]:
        """Wait for its end; give the exit code and what it printed."""
        printed, _ = self._process.communicate()
        return self._process.returncode, printed


class DeployHost:
    """One of them.

    Args:
        host: its servers.
        is_guarded: whether a daemon counts its requests, without which nothing may be deployed on it.
    """

    def __init__(self, host: FleetHost, *, is_guarded: bool) -> None:
        self.host = host
        self.is_guarded = is_guarded
        self.directory = host.directory / "agent"
        # Where the agent is installed it is compiled; a shell may keep Python from keeping what it compiled.
        self.environment = {k: v for k, v in host.environment().items() if k != "PYTHONDONTWRITEBYTECODE"}
        self.agent = Agent(self.directory, self.environment)
        guard = _GUARD.format(log=host.apache.access_log) if is_guarded else ""
        self.agent.config.write_text(f"{configuration(self.agent, host)}{guard}")

    @property
    def name(self) -> str:
        """Its instance id."""
        return self.host.instance_id

    def begin(self, *arguments: str) -> Command:
        """Begin a command."""
        return Command(self, arguments)

    def history(self) -> list[dict[str, Any]]:
        """The deploys of this host as its journal has them, the oldest first."""
        code, text = self.agent.command("deploy", "history", "--app", APP, "--json")
        deploys: list[dict[str, Any]] = json.loads(text)["deploys"] if code == 0 else []
        return deploys

    def moments(self, release: str) -> dict[tuple[str, str], float]:
        """When each step of the latest deploy of a release was begun, done or failed, in seconds since the epoch."""
        found = [row["steps"] for row in self.history() if row["release"] == release][-1:]
        return {
            (line["step"], line["phase"]): datetime.fromisoformat(line["at"]).timestamp()
            for steps in found
            for line in steps
        }

    def end(self) -> None:
        """End whatever was started with this host's configuration. A deploy outlives the command that asked for it."""
        ours = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if any(str(self.agent.config) in word for word in process.cmdline()):
                    ours.append(process)
        for process in ours:
            with suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(ours, timeout=5)


def configuration(agent: Agent, host: FleetHost) -> str:
    """Return the `agent.toml` of a host, without guard and logs."""
    return f"""[agent]
role = "web"
environment = "demo"
instance_id = "{host.instance_id}"
state_dir = "{agent.state_dir}"
runtime_dir = "{agent.runtime_dir}"

[[deploy.app]]
name = "{APP}"
path = "{host.app}"
artifacts = "s3://{BUCKET}/{APP}/"
health_url = "{host.url}/healthz"
health_timeout = "2s"
reload = {json.dumps(host.reload)}
"""
