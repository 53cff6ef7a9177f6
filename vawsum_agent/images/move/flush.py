"""The end of a lane: everything is copied into the bucket, however young, since the host may be about to go."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from vawsum_agent.core.errors import AgentError, StateError
from vawsum_agent.images.move.place import Halted
from vawsum_agent.images.move.schedule import retry_s
from vawsum_agent.images.move.selection import Selection

if TYPE_CHECKING:
    from collections.abc import Callable

    from vawsum_agent.core.clock import Deadline
    from vawsum_agent.images.move.mover import Moved
    from vawsum_agent.images.move.place import OpenPlace, Place

_SLICE = 500

_MOST_ROUNDS = 3
"""Rounds over what changed while it was copied: what somebody writes without end is never at rest."""


class Flush:
    """Copies what is in a folder; nothing is removed, and files stay due.

    Args:
        place: the folder.
        deadline: when to give up.
        jobs: uploads at once.
        is_stopped: asked often; True ends it after the files under way.
        wait: waits so many seconds, less when it is stopped.

    Attributes:
        is_done: whether all that was found is in the bucket.
        unsent_count: how many files are not, as far as is known.
        error: what kept it from going on last.
    """

    def __init__(
        self,
        place: Place,
        deadline: Deadline,
        jobs: int,
        is_stopped: Callable[[], bool],
        wait: Callable[[float], object],
    ) -> None:
        self.is_done = False
        self.unsent_count = 0
        self.error: AgentError | None = None
        self._place = place.for_copies()
        self._is_removing = place.folder.delete_local
        self._deadline = deadline
        self._jobs = jobs
        self._is_stopped = is_stopped
        self._wait = wait
        self._dice = random.Random()  # noqa: S311 - jitter
        self._selection = Selection()
        self._attempt = 0
        self._rounds = 0
        self._changed_count = 0

    def run(self) -> None:
        """Copy until everything is copied, time is up, or what is wrong needs a person."""
        while not self._is_halted():
            try:
                with self._place.opened() as opened:
                    self.is_done = self._step(opened)
            except Halted:
                return
            except AgentError as error:
                self.error = error
            if self.is_done or (self.error is not None and not self.error.retryable):
                return
            if self.error is not None:
                self._wait(min(retry_s(self._attempt, self._dice.random()), self._deadline.remaining_s()))
                self._attempt += 1

    def _step(self, opened: OpenPlace) -> bool:
        """Scan, or copy a slice of what was found; True when there is no more. Raises Halted, AgentError."""
        if self._selection:
            self._copy(opened)
        elif self._rounds and not self._selection.is_used_up and self._is_at_rest():
            return True
        else:
            self._scan(opened)
        return False

    def _is_at_rest(self) -> bool:
        return not self._changed_count or self._rounds == _MOST_ROUNDS

    def _scan(self, opened: OpenPlace) -> None:
        if not self._selection.is_used_up:
            self._rounds += 1
            self._changed_count = 0
        found = opened.scan(self._is_halted, self._selection.goes_on_after)
        self._selection.fill(found)
        self.unsent_count = found.due_count
        self.error = None

    def _copy(self, opened: OpenPlace) -> None:
        # What failed for all is asked with one.
        size, jobs = (1, 1) if self.error is not None else (_SLICE, self._jobs)
        moved = opened.mover().move(self._selection.take(size), jobs, self._is_halted)
        self._selection.give_back(moved)
        self._changed_count += moved.later
        self.unsent_count -= moved.settled_count
        self._remember(moved)
        if moved.copied_count:
            self._attempt = 0
        if moved.copied_count or moved.error is not None:
            self.error = moved.error

    def _remember(self, moved: Moved) -> None:
        """Where files are copied only, these copies are as good as any; elsewhere they are to move all the same."""
        if self._is_removing:
            return
        try:
            self._place.memory.book(moved, self._place.clock.now())
        except StateError:
            return  # they are sent once more after the next start, which finds them there

    def _is_halted(self) -> bool:
        return self._is_stopped() or self._deadline.has_passed()
