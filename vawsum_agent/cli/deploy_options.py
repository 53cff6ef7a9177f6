"""What the commands about deploys share: the configured applications, and how one of them is named."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from vawsum_agent.config.load import load
from vawsum_agent.core.clock import SystemClock
from vawsum_agent.core.errors import DeployError, UsageError
from vawsum_agent.core.text import printable
from vawsum_agent.deploy.journal import Journal
from vawsum_agent.deploy.layout import AppFolder

if TYPE_CHECKING:
    from collections.abc import Callable

    from vawsum_agent.config.model import Config, DeployApp

_ODD = re.compile(r"[^A-Za-z0-9 ._@+\\-]", re.ASCII)
_LONGEST_NAME = 64

F = TypeVar("F", bound="Callable[..., Any]")


@dataclass(frozen=True, slots=True)
class Apps:
    """The applications of this host."""

    config: Config
    by_name: dict[str, DeployApp]

    def folders(self) -> dict[str, AppFolder]:
        """Their folders, by name."""
        return {name: AppFolder(Path(app.path)) for name, app in self.by_name.items()}

    def has_unfinished(self) -> bool:
        """Whether a deploy of any of them has to be ended, or may have to be, as far as can be told."""
        journals = [Journal(folder, SystemClock()) for folder in self.folders().values()]
        try:
            return any(journal.unfinished() or journal.damage() for journal in journals)
        except DeployError:
            return True


def configured_apps(config_path: Path, *, are_needed: bool = True) -> Apps:
    """Load the configuration.

    Raises:
        ConfigError, UsageError: it names no applications, and they are needed.
    """
    config = load(config_path).config
    if config.deploy is None and not are_needed:
        return Apps(config, {})
    if config.deploy is None:
        raise UsageError(f"{config_path} has no [[deploy.app]]", hint="add one, with name, path, artifacts, health_url")
    return Apps(config, {app.name: app for app in config.deploy.app})


def configured_app(apps: Apps, name: str) -> DeployApp:
    """Find the application that is meant. Raises UsageError: there is none of that name."""
    try:
        return apps.by_name[name]
    except KeyError:
        known = ", ".join(sorted(apps.by_name))
        raise UsageError(f"no [[deploy.app]] is named {printable(name[:80])!r}", hint=f"there is {known}") from None


def app_option(command: F) -> F:
    """``--app NAME``, passed as ``app_name``."""
    help_text = "Which [[deploy.app]] of the configuration."
    return click.option("--app", "app_name", required=True, metavar="NAME", help=help_text)(command)


def asker() -> str:
    """Who asks, as far as can be told: the user before sudo, or whom SSM names."""
    name = os.environ.get("SUDO_USER") or os.environ.get("LOGNAME") or f"user {os.getuid()}"
    # A variable may hold any bytes; this one goes through command lines, systemd's and ours, into the journal.
    return _ODD.sub("?", name[:_LONGEST_NAME])
