"""The application's own commands at their places in a deploy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.core.units import format_duration
from vawsum_agent.deploy.hooks.environment import of_deploy
from vawsum_agent.deploy.hooks.release_file import load_release_file
from vawsum_agent.deploy.hooks.run import run_hook
from vawsum_agent.deploy.trust import see_that_it_is_own

if TYPE_CHECKING:
    from vawsum_agent.deploy.steps.here import Here


class Hooking:
    """Of one deploy."""

    def __init__(self, here: Here) -> None:
        self._here = here

    def run(self, name: str) -> str:
        """Run the release's hook of this name, if it has one."""
        here = self._here
        folder = here.folder.release(here.release)
        if not folder.is_dir():
            return "the release is not here"
        hook = load_release_file(folder).hooks.named(name)
        if hook is None:
            return ""
        # Whoever may put another folder here may have put this one, with a file that was root's elsewhere.
        see_that_it_is_own(folder)
        told = of_deploy(here.app.name, here.folder, release=here.release, previous=here.record.previous)
        result = run_hook(
            name,
            hook,
            folder=folder,
            environment=told,
            redact=here.redactor,
            say=here.say,
            default_user=here.app.web_user,
        )
        return f"exit code {result.exit_code} in {format_duration(round(result.duration_s, 1))}"
