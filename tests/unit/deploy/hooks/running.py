"""Hooks, run as a deploy runs them."""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vawsum_agent.deploy.hooks.release_file import Hook
from vawsum_agent.deploy.hooks.run import HookResult, run_hook
from vawsum_agent.deploy.redact import Redactor

if TYPE_CHECKING:
    from pathlib import Path

ME = pwd.getpwuid(os.geteuid()).pw_name


@dataclass
class Hooks:
    """A release's folder, and what was said."""

    folder: Path
    redact: Redactor = field(default_factory=Redactor)
    said: list[str] = field(default_factory=list)

    def run(self, command: str, *, timeout_s: float = 20.0, grace_s: float = 5.0, user: str = ME) -> HookResult:
        """Run the hook ``switched``."""
        hook = Hook(run=command, timeout=timeout_s, user=user)  # type: ignore[arg-type]
        return run_hook(
            "switched",
            hook,
            folder=self.folder,
            environment={"VAWSUM_RELEASE": "20261129T101500Z-4f2a91c"},
            redact=self.redact,
            say=self.said.append,
            grace_s=grace_s,
        )
