"""The dimensions of this host: what is known at once, and what is asked for until it is known.

The group is asked for again now and then, since instances are attached to groups and detached. Only an answer changes
what is known: whoever does not answer takes nothing away.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import structlog

from vawsum_agent.core.errors import AgentError
from vawsum_agent.metrics.publish.phase import phase_s

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vawsum_agent.core.clock import Clock
    from vawsum_agent.core.metric import Dimensions

_log = structlog.get_logger()

_FIRST_PAUSE_S = 5.0
_LONGEST_PAUSE_S = 3600.0
_LONGEST_PAUSE_OF_ERRORS_S = 60.0
"""Permissions get mended by people who then look whether it helped."""

_RECHECK_S = 3600.0
_RECHECK_SPREAD = 60.0
"""Hosts that were launched together do not ask together: each has its moment, see `phase_s`, times this."""

_TOLD_AFTER_S = 120.0
"""A role reaches a new instance some time after its start; what can't be asked for longer is a problem."""

_PATIENCE_S = 60.0
"""How long data wait in the spool for the group's name; an alarm matches exact sets of dimensions."""

_ENTRIES = {"ImageId": "ami-id", "InstanceType": "instance-type"}
GROUP = "AutoScalingGroupName"
GROUP_ENTRY = "tags/instance/aws:autoscaling:groupName"


class Metadata(Protocol):
    """The instance metadata service."""

    def get(self, entry: str) -> str | None:
        """Read an entry; None where there is no such service or no such entry."""
        ...


@dataclass(frozen=True, slots=True)
class Place:
    """Where this host is.

    Attributes:
        found: values by dimension; those that do not apply (no group, no instance) are missing.
        is_complete: everything asked for was answered, be it with "none".
    """

    found: dict[str, str]
    is_complete: bool


class HostDimensions:
    """Learns the dimensions of the host. `look` may be called often: it asks when it is time to."""

    def __init__(
        self,
        wanted: Sequence[str],
        instance_id: str,
        metadata: Metadata,
        ask_group: Callable[[str], str | None],
        clock: Clock,
    ) -> None:
        self._wanted = wanted
        self._instance_id = instance_id
        self._metadata = metadata
        self._ask_group = ask_group
        self._clock = clock
        is_complete = not set(wanted) - {"InstanceId"}
        self._place = Place({"InstanceId": instance_id}, is_complete)
        self._began_at = clock.monotonic()
        self._ask_at = float("inf") if is_complete else self._began_at
        self._pause_s = _FIRST_PAUSE_S
        self._recheck_s = _RECHECK_S + phase_s(instance_id) * _RECHECK_SPREAD
        self._asking = threading.Lock()
        self._error: AgentError | None = None
        self._failing_since = 0.0

    @property
    def problem(self) -> AgentError | None:
        """Why the group is not known, once asking for it has failed for long."""
        if self._place.is_complete or self._clock.monotonic() - self._failing_since < _TOLD_AFTER_S:
            return None
        return self._error

    def dimensions(self) -> Dimensions | None:
        """Give them, in the order configured; None while one is being learned and data can wait for it."""
        place = self._place
        if not place.is_complete and self._clock.monotonic() - self._began_at < _PATIENCE_S:
            return None
        return self.known()

    def known(self) -> Dimensions:
        """Give those that are known by now."""
        found = self._place.found
        return tuple((name, found[name]) for name in self._wanted if name in found)

    def group(self) -> str | None:
        """Name the Auto Scaling group, if it is known."""
        return self._place.found.get(GROUP)

    def look(self) -> None:
        """Ask for what is not known yet, or may have changed, when it is time; blocks for some seconds at most."""
        if self._clock.monotonic() < self._ask_at or not self._asking.acquire(blocking=False):
            return
        try:
            before, self._place = self._place, self._ask()
            if self._place.is_complete and self._place != before:
                _log.info("host_placed", **{name.lower(): value for name, value in self._place.found.items()})
            self._ask_at = self._clock.monotonic() + self._next_pause_s()
        finally:
            self._asking.release()

    def _next_pause_s(self) -> float:
        if self._place.is_complete:
            return self._recheck_s if GROUP in self._wanted else float("inf")
        pause_s = self._pause_s
        if self._error is not None:
            pause_s = min(pause_s, _LONGEST_PAUSE_OF_ERRORS_S)
            self._pause_s = pause_s * 2
        else:
            # A laptop has no metadata service and never will: it is asked once an hour in the end.
            self._pause_s = min(pause_s * 4, _LONGEST_PAUSE_S)
        return pause_s

    def _ask(self) -> Place:
        """Ask for everything wanted; what was found once and is not answered now stays: alarms match exact sets."""
        known = self._place
        real_id = self._metadata.get("instance-id")
        if real_id is None:
            return known
        found = dict(known.found)
        for name in self._wanted:
            if name in _ENTRIES and name not in found and (value := self._metadata.get(_ENTRIES[name])):
                found[name] = value
        is_missing = any(name in _ENTRIES and name not in found for name in self._wanted)
        if GROUP in self._wanted:
            try:
                group = self._metadata.get(GROUP_ENTRY) or self._ask_group(real_id)
            except AgentError as error:
                if self._error is None:
                    self._failing_since = self._clock.monotonic()
                self._error = error
                return Place(found, known.is_complete)
            self._error = None
            found.pop(GROUP, None)
            found |= {GROUP: group} if group else {}
        return Place(found, is_complete=not is_missing)
