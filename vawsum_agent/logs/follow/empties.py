"""Rotated files without a byte: held open, for a slow writer may yet write to them, or copytruncate copy to them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from vawsum_agent.logs.follow.endings import is_over
from vawsum_agent.logs.follow.survey import Sighting

if TYPE_CHECKING:
    from vawsum_agent.core.clock import Clock
    from vawsum_agent.logs.follow.content import Content, Identity


class Empties:
    """What is in them is decided when there is something; until then they have no record."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._held: dict[Identity, tuple[Sighting, Content, float]] = {}

    def __bool__(self) -> bool:
        return bool(self._held)

    def hold(self, sighting: Sighting, content: Content) -> None:
        """Keep an empty file open."""
        self._held[sighting.identity] = (sighting, content, self._clock.monotonic())

    def holds(self, identity: Identity) -> bool:
        """Whether a file is kept open."""
        return identity in self._held

    def take(self, identity: Identity) -> Content | None:
        """Give away a file that is kept open."""
        held = self._held.pop(identity, None)
        return None if held is None else held[1]

    def grown(self) -> list[Sighting]:
        """Tell which are empty no longer, under the names they had."""
        grown = []
        for sighting, content, _ in self._held.values():
            status = os.fstat(content.descriptor)
            if status.st_size > 0:
                grown.append(Sighting(sighting.path, sighting.identity, status.st_size, status.st_mtime_ns))
        return grown

    def release(self) -> list[Sighting]:
        """Close those to which nobody will write any more, and tell which."""
        released = []
        for identity, (sighting, content, since) in list(self._held.items()):
            status = os.fstat(content.descriptor)
            quiet_s = self._clock.monotonic() - since
            if status.st_size == 0 and is_over(content.descriptor, status, quiet_s):
                del self._held[identity]
                content.close()
                released.append(sighting)
        return released

    def close(self) -> None:
        """Let go of all."""
        for _, content, _ in self._held.values():
            content.close()
        self._held.clear()
