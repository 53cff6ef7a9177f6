"""What a scan selected and is still to be dealt with, from old to young."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vawsum_agent.images.find.scan import Place, Scan
    from vawsum_agent.images.move.mover import Moved


class Selection:
    """The files at hand, and where the next scan goes on once they are used up.

    Attributes:
        goes_on_after: the place of the last file that was selected, where there are more than could be; None where
            there are no more. What came before and is still there is passed over: a few thousand files that stay would
            otherwise be met again and again, and the rest never.
    """

    def __init__(self) -> None:
        self.goes_on_after: Place | None = None
        self._due: deque[bytes] = deque()
        self._failed: dict[bytes, None] = {}

    def __len__(self) -> int:
        return len(self._due)

    @property
    def is_used_up(self) -> bool:
        """Whether all at hand has been dealt with, and there is more."""
        return not self._due and self.goes_on_after is not None

    def fill(self, found: Scan) -> None:
        """Take over what a scan found, in place of what is at hand; what failed still comes last."""
        still_due = set(found.due)
        self._failed = {path: None for path in self._failed if path in still_due}
        self._due = deque(path for path in found.due if path not in self._failed)
        self._due.extend(self._failed)
        self.goes_on_after = None if found.is_whole else found.last

    def take(self, count: int) -> list[bytes]:
        """Take the next few, the oldest first."""
        return [self._due.popleft() for _ in range(min(count, len(self._due)))]

    def give_back(self, moved: Moved) -> None:
        """Put back what was not done. What failed comes last: a file that always fails holds up no others."""
        self._due.extendleft(reversed(moved.left))
        self._due.extend(moved.failed)
        for path in moved.failed:
            self._failed.pop(path, None)  # to the end, behind what failed before it
            self._failed[path] = None
