"""What the web server serves: switched, reloaded and proven, one way and back."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from vawsum_agent.core.errors import DeployError
from vawsum_agent.core.units import counted
from vawsum_agent.deploy.prove.hearing import OldAnswer
from vawsum_agent.deploy.prove.prove import prove
from vawsum_agent.deploy.prove.well import prove_health
from vawsum_agent.deploy.record import WAS_HEALTHY
from vawsum_agent.deploy.reload import reload
from vawsum_agent.deploy.standing import POINTED_TO
from vawsum_agent.deploy.switch.link import restore_link, switch_to

if TYPE_CHECKING:
    from vawsum_agent.deploy.steps.here import Here

LINK = "link"


class Serving:
    """Of one deploy."""

    def __init__(self, here: Here) -> None:
        self._here = here

    def switch(self) -> str:
        """Point ``current`` to the release."""
        switch_to(self._here.folder, self._here.release)
        return f"current points to {self._here.release}"

    def reload(self) -> str:
        """Have the servers begin anew with whatever ``current`` points to."""
        here = self._here
        reload(here.app.reload, timeout_s=here.app.health_timeout, say=here.say, redact=here.redactor)
        return f"{counted(len(here.app.reload), 'command')} done"

    def prove(self) -> str:
        """See that the application is well, and that it is this release."""
        return self._proven(self._here.release)

    def switch_back(self) -> str:
        """Point ``current`` to what it pointed to."""
        here = self._here
        link = here.record.recall(LINK, str) or ""
        try:
            restore_link(here.folder, link or None)
        except DeployError:
            # A switch that failed, or was cut off, may have happened all the same: nothing but the link can tell.
            with suppress(OSError):
                here.record.remember(POINTED_TO, here.folder.current_release() or "")
            raise
        return f"current points to {link or 'nothing'}"

    def prove_back(self) -> str:
        """See that the release is served, and as well as it was."""
        here = self._here
        if not here.record.recall(LINK, str):
            return "nothing was served before, so there is nothing to prove"
        try:
            return self._proven(here.record.previous)
        except DeployError as error:
            # No illness of before explains that PHP serves the release that was taken back, which is removed soon.
            if isinstance(error, OldAnswer) or here.record.recall(WAS_HEALTHY, bool) is not False:
                raise
            return f"not well, as before the deploy: {error.message}"

    def _proven(self, release: str) -> str:
        here = self._here
        if not release:  # what was served before is none of ours
            prove_health(here.app, clock=here.clock, sleep=here.sleep, say=here.say)
            return "healthy"
        proven = prove(here.app, release, clock=here.clock, sleep=here.sleep, say=here.say)
        answers = f", {proven.answers} answers of {proven.workers} PHP workers" if here.app.proof_url else ""
        return f"healthy{answers}"
