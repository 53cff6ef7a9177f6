"""The dimensions of this host: what is known at once, and what is asked for until it is known."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import structlog

from vawsum_agent.core.errors import AgentError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vawsum_agent.core.clock import Clock
    from vawsum_agent.core.metric import Dimensions

_log = structlog.get_logger()

_FIRST_PAUSE_S = 5.0
_LONGEST_PAUSE_S = 3600.0
_PATIENCE_S = 60.0
"""How long data wait in the spool for the group's name; an alarm matches exact sets of dimensions."""

_ENTRIES = {"ImageId": "ami-id", "InstanceType": "instance-type"}
_GROUP = "AutoScalingGroupName"
_GROUP_ENTRY = "tags/instance/aws:autoscaling:groupName"


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
        self._place = Place({"InstanceId": instance_id}, is_complete=not set(wanted) - {"InstanceId"})
        self._began_at = clock.monotonic()
        self._ask_at = self._began_at
        self._pause_s = _FIRST_PAUSE_S
        self._asking = threading.Lock()
        self.problem: AgentError | None = None

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
        return self._place.found.get(_GROUP)

    def look(self) -> None:
        """Ask for what is not known yet, when it is time; blocks for some seconds at most."""
        if (
            self._place.is_complete
            or self._clock.monotonic() < self._ask_at
            or not self._asking.acquire(blocking=False)
        ):
            return
        try:
            self._place = self._ask()
            if self._place.is_complete:
                _log.info("host_placed", **{name.lower(): value for name, value in self._place.found.items()})
            # A laptop has no metadata service and never will: it is asked once an hour in the end.
            self._ask_at = self._clock.monotonic() + self._pause_s
            self._pause_s = min(self._pause_s * 4, _LONGEST_PAUSE_S)
        finally:
            self._asking.release()

    def _ask(self) -> Place:
        real_id = self._metadata.get("instance-id")
        # What was found once stays: an alarm matches exact sets, and the service may not answer this time.
        found = dict(self._place.found)
        if real_id is None:
            return Place(found, is_complete=False)
        missing = False
        for name in self._wanted:
            if name in _ENTRIES:
                value = found.get(name) or self._metadata.get(_ENTRIES[name])
                missing |= value is None
                found |= {name: value} if value else {}
        if _GROUP in self._wanted:
            try:
                group = self._metadata.get(_GROUP_ENTRY) or self._ask_group(real_id)
            except AgentError as error:
                self.problem = error
                return Place(found, is_complete=False)
            found |= {_GROUP: group} if group else {}
        self.problem = None
        return Place(found, is_complete=not missing)
