"""What became of a slice of files."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vawsum_agent.images.find.scan import Refusals

if TYPE_CHECKING:
    from vawsum_agent.core.errors import AgentError
    from vawsum_agent.images.fingerprint import Fingerprint
    from vawsum_agent.images.reasons import Reason


@dataclass(frozen=True, slots=True)
class Kept:
    """A file that stays: copied where ``reason`` is None."""

    path: bytes
    fingerprint: Fingerprint
    reason: Reason | None


@dataclass(slots=True)
class Moved:
    """What became of a slice.

    Attributes:
        moved_count, moved_bytes: in the bucket, and not here any more.
        copied_count, copied_bytes: in the bucket, and here as configured.
        rewritten: uploaded over an older version of ours.
        later: gone, or touched again meanwhile.
        kept: what is not to be looked at again soon.
        refusals: what stays, by reason.
        left: not begun, since it was told to end, or because of ``error``.
        failed: begun and not done, because of ``error``.
    """

    moved_count: int = 0
    moved_bytes: int = 0
    copied_count: int = 0
    copied_bytes: int = 0
    rewritten: int = 0
    later: int = 0
    kept: list[Kept] = field(default_factory=list)
    refusals: Refusals = field(default_factory=Refusals)
    left: list[bytes] = field(default_factory=list)
    failed: list[bytes] = field(default_factory=list)
    error: AgentError | None = None

    def merge(self, other: Moved) -> None:
        """Add what became of others."""
        self.moved_count += other.moved_count
        self.moved_bytes += other.moved_bytes
        self.copied_count += other.copied_count
        self.copied_bytes += other.copied_bytes
        self.rewritten += other.rewritten
        self.later += other.later
        self.kept += other.kept
        self.refusals.merge(other.refusals)
        self.left += other.left
        self.failed += other.failed
        self.error = self.error or other.error

    @property
    def settled_count(self) -> int:
        """How many files were dealt with, whatever became of them."""
        return self.moved_count + self.copied_count + self.later + sum(self.refusals.counts.values())
