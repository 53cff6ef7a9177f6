"""This host among its peers: recorded, drained, back in service, and watched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.core.errors import DeployError
from vawsum_agent.deploy.guard.baseline import Baseline, require_guard, take_baseline
from vawsum_agent.deploy.guard.watch import watch
from vawsum_agent.deploy.prove.well import is_well
from vawsum_agent.deploy.record import PLACE, RESTORED, WAS_HEALTHY
from vawsum_agent.deploy.service.draining import drain
from vawsum_agent.deploy.service.outage import Restored
from vawsum_agent.deploy.service.places import NOT_DRAINED, Place, described
from vawsum_agent.deploy.service.recording import record
from vawsum_agent.deploy.service.restoring import restore
from vawsum_agent.deploy.steps.serving import LINK
from vawsum_agent.deploy.switch.link import link_of

if TYPE_CHECKING:
    from vawsum_agent.deploy.service.outage import Outcome
    from vawsum_agent.deploy.steps.here import Here

BASELINE = "baseline"

_TOLD: dict[Outcome, str] = {
    "in service": "in service as before",
    "untouched": "never left service",
    "terminated": "this host is being terminated, or was let go by its group: there is nothing to come back to",
}


class Placing:
    """Of one deploy."""

    def __init__(self, here: Here) -> None:
        self._here = here

    def record(self) -> str:
        """Remember all that the way back needs, before anything that serves is touched."""
        here, app = self._here, self._here.app
        if app.guard is not None:
            if app.guard.required:
                require_guard(here.traffic, here.clock)
            # What a release answered that was just taken back is no measure for this one.
            ended_at = max((each.ended_at or 0.0 for each in here.records()), default=0.0)
            here.record.remember(BASELINE, take_baseline(here.traffic, here.clock, not_before=ended_at))
        link = link_of(here.folder)
        here.record.remember(LINK, link or "")
        here.record.remember(WAS_HEALTHY, bool(link) and is_well(app))
        place = record(
            here.services,
            host=here.host,
            drain=app.drain,
            min_healthy_peers=app.min_healthy_peers,
            sleep=here.sleep,
            say=here.say,
        )
        here.record.remember(PLACE, place)
        return NOT_DRAINED if app.drain == "none" else described(place)

    def drain(self) -> str:
        """Leave service."""
        return self._drained(guards_peers=True)

    def drain_again(self) -> str:
        """Leave with a release that turned out bad, whoever else is there."""
        return self._drained(guards_peers=False)

    def back_with_the_release(self) -> str:
        """Go back with what was proven."""
        self._see_that_it_is_served()
        return self.restore()

    def restore(self) -> str:
        """Go back to exactly where this host was."""
        here = self._here
        place = self._place()
        if place is None:
            return self._elsewhere()
        restored = restore(
            here.services,
            place,
            clock=here.clock,
            sleep=here.sleep,
            timeout_s=here.app.drain_timeout,
            say=here.say,
        )
        here.record.remember(RESTORED, restored)
        return _TOLD[restored.outcome]

    def guard(self) -> str:
        """Watch what this host answers, now that it is back."""
        self._see_that_it_is_served()
        here, limits = self._here, self._here.app.guard
        if any(line.phase == "interrupted" for line in here.record.lines):
            self._see_that_it_is_back()
        restored = here.record.recall(RESTORED, Restored)
        if restored is not None and restored.outcome == "terminated":
            return "unguarded: this host is being terminated"
        if limits is None:
            return "unguarded, by configuration"
        baseline = here.record.recall(BASELINE, Baseline)
        if baseline is None:
            return "unguarded: nobody counted before the drain"
        result = watch(
            here.traffic,
            baseline,
            limits,
            began_at=restored.back_at if restored is not None else here.clock.now(),
            clock=here.clock,
            sleep=here.sleep,
            say=here.say,
        )
        if result.verdict == "exceeded":
            raise DeployError(result.line)
        return result.line

    def _drained(self, *, guards_peers: bool) -> str:
        here = self._here
        place = self._place()
        if place is None:
            return self._elsewhere()
        drained = drain(
            here.services,
            place,
            clock=here.clock,
            sleep=here.sleep,
            timeout_s=here.app.drain_timeout,
            say=here.say,
            guards_peers=guards_peers,
        )
        return f"out of service after {drained.drained_at - drained.left_at:.1f} s" if place.way != "none" else ""

    def _see_that_it_is_served(self) -> None:
        """A crash may lie between, and a person may have switched to another one meanwhile."""
        here = self._here
        current = here.folder.current_release()
        if current != here.release:
            message = f"current points to {current or 'no release'}, and not to {here.release} any more"
            raise DeployError(message, hint="somebody switched it by hand; deploy again what is to be served")

    def _see_that_it_is_back(self) -> None:
        """A crash lies between, before which the way back may have begun, on a disk that was too full for its notes."""
        here = self._here
        noted = here.record.recall(RESTORED, Restored)
        self.restore()
        restored = here.record.recall(RESTORED, Restored)
        is_as_it_was = restored is not None and restored.outcome != "terminated" and not restored.was_away
        if noted is not None and is_as_it_was:
            # It never left: what is left of the window is watched, and not all of it once more.
            here.record.remember(RESTORED, noted)

    def _elsewhere(self) -> str:
        here = self._here
        if here.record.instance_id == here.host.instance_id:
            return "never left service"
        return f"the journal is of {here.record.instance_id}, whose image this is: {here.host.instance_id} never left"

    def _place(self) -> Place | None:
        """Where this host was; None where the journal came with an image, and tells of another host."""
        here = self._here
        return here.record.recall(PLACE, Place) if here.record.instance_id == here.host.instance_id else None
