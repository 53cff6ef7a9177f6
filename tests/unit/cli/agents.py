"""A control socket and a configuration for tests of commands."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click
from click.testing import CliRunner

from vawsum_agent.cli.failure import exit_code_of
from vawsum_agent.cli.main import cli
from vawsum_agent.daemon.control import ControlServer
from vawsum_agent.daemon.control_http import Routes
from vawsum_agent.daemon.requests import DrainReport
from vawsum_agent.daemon.supervised import DrainOutcome

if TYPE_CHECKING:
    from pathlib import Path


def component(state: str = "running", **changes: object) -> dict[str, object]:
    """A row of ``status --json``."""
    row: dict[str, object] = {
        "name": "logs",
        "state": state,
        "since": "2026-01-01T00:00:00.000Z",
        "last_success_at": "2026-01-01T00:00:00.000Z",
        "backlog_count": 0,
        "backlog_bytes": 0,
        "last_error": None,
        "hint": None,
        "details": {"files": [], "restarts": 0},
    }
    return row | changes


def status(state: str = "running", *components: dict[str, object]) -> dict[str, Any]:
    """The document of ``status --json``."""
    return {
        "version": "1.2",
        "state": state,
        "instance_id": "i-1",
        "environment": "test",
        "role": "web",
        "pid": 7,
        "started_at": "2026-01-01T00:00:00.000Z",
        "notices": [],
        "components": list(components),
    }


@dataclass
class Agent:
    """A daemon as the command line sees it, or the lack of one."""

    folder: Path
    document: dict[str, Any] = field(default_factory=status)
    report: DrainReport = field(default_factory=lambda: DrainReport([DrainOutcome("logs", None)]))
    server: ControlServer | None = None

    def __post_init__(self) -> None:
        self.config = self.folder / "agent.toml"
        self.config.write_text(f'[agent]\nstate_dir = "{self.folder}/state"\nruntime_dir = "{self.folder}/run"\n')

    def start(self) -> Agent:
        """Answer from now on."""
        routes = Routes("1.2", lambda: self.document, lambda _: self.report)
        self.server = ControlServer(self.folder / "run" / "control.sock", routes)
        self.server.start()
        return self

    def stop(self) -> None:
        """Answer no more."""
        if self.server is not None:
            self.server.close()

    def run(self, *arguments: str) -> Ended:
        """Run a command as the shell does."""
        codes: list[int] = []
        words = [*arguments, "--config", str(self.config)]
        result = CliRunner().invoke(_as_process(words, codes), catch_exceptions=False)
        return Ended(codes[0], result.stdout, result.stderr)


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


def _as_process(words: list[str], codes: list[int]) -> click.Command:
    """Wrap a call so that the runner catches what it prints."""

    @click.command()
    def process() -> None:
        codes.append(exit_code_of(lambda: cli(words, prog_name="vawsum-agent", standalone_mode=False)))

    return process
