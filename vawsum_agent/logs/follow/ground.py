"""What the chains of one source share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vawsum_agent.core.clock import Clock
    from vawsum_agent.logs.follow.content import Identity
    from vawsum_agent.logs.follow.problems import Problems
    from vawsum_agent.logs.follow.records import RecordStore
    from vawsum_agent.logs.follow.survey import Survey
    from vawsum_agent.logs.follow.tail import Tail


@dataclass(slots=True)
class Ground:
    """One source's collaborators, and who has which file.

    Attributes:
        folders: those that may hold files of any path.
        claims: the generation that each file was last known to hold, of all paths of the source.
        skips_existing: the source has never been looked at and says ``start_at = "end"``.
    """

    source: str
    survey: Survey
    store: RecordStore
    clock: Clock
    problems: Problems
    folders: set[str] = field(default_factory=set)
    claims: dict[Identity, Tail] = field(default_factory=dict)
    skips_existing: bool = False

    def holder(self, identity: Identity) -> Tail | None:
        """Give the generation that reads a file right now."""
        tail = self.claims.get(identity)
        if tail is None or tail.content is None or tail.content.identity != identity:
            return None
        return tail
