"""Moving a folder's backlog now, by hand: scan after scan until nothing is left that moves."""

from __future__ import annotations

import os
import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vawsum_agent.core.errors import AgentError, Throttled, Unavailable
from vawsum_agent.images.beneath import FolderError, open_root
from vawsum_agent.images.find.scan import Refusals, Scan, scan
from vawsum_agent.images.find.walk import Walk
from vawsum_agent.images.inspect.rules import rules_of
from vawsum_agent.images.move.account import Totals
from vawsum_agent.images.move.schedule import retry_s
from vawsum_agent.images.move.selection import Selection

if TYPE_CHECKING:
    from collections.abc import Callable

    from vawsum_agent.config.model import ImagesFolder
    from vawsum_agent.core.clock import Clock
    from vawsum_agent.images.find.scan import Place
    from vawsum_agent.images.inspect.rules import Rules
    from vawsum_agent.images.move.crew import SliceMover
    from vawsum_agent.images.move.moved import Moved
    from vawsum_agent.images.remove.removal import Remover

GIVE_UP_AFTER_S = 300.0
"""Of failing without one success in between; a person is waiting."""


@dataclass(slots=True)
class Swept:
    """What became of a folder.

    Attributes:
        found: the first scan.
        totals: what was done.
        later: gone or touched again meanwhile.
        refusals: what stays, by reason, content and collisions included.
        left_count: due, but not done, because of ``error`` or since it was told to end.
    """

    found: Scan = field(default_factory=Scan)
    totals: Totals = field(default_factory=Totals)
    later: int = 0
    refusals: Refusals = field(default_factory=Refusals)
    left_count: int = 0
    error: AgentError | None = None


class Sweep:
    """One folder, moved by hand.

    Args:
        folder: which one.
        mover: uploads files and has them removed.
        remover: puts back what a crash left on its way out.
        clock: wall and monotonic time.
        jobs: uploads at once.
        is_halted: asked often; True ends it after the files under way.
        on_progress: told whenever more is done, by one thread at a time.
    """

    def __init__(
        self,
        folder: ImagesFolder,
        mover: SliceMover,
        remover: Remover,
        clock: Clock,
        *,
        jobs: int,
        is_halted: Callable[[], bool],
        on_progress: Callable[[Swept], None],
    ) -> None:
        self._folder = folder
        self._mover = mover
        self._remover = remover
        self._clock = clock
        self._jobs = jobs
        self._is_halted = is_halted
        self._on_progress = on_progress
        self._dice = random.Random()  # noqa: S311 - jitter
        self._failing_since: float | None = None
        self._attempt = 0

    def run(self) -> Swept:
        """Move everything that may move. What it could not do stands in what it returns."""
        swept = Swept()
        try:
            self._run(swept)
        except AgentError as error:
            swept.error = error
        return swept

    def _run(self, swept: Swept) -> None:
        root = open_root(self._folder.path)
        try:
            if self._folder.delete_local:
                self._remover.recover(self._folder)
            self._sweep(root, rules_of(self._folder, root), swept)
        finally:
            os.close(root)

    def _sweep(self, root: int, rules: Rules, swept: Swept) -> None:
        """Go through the folder once, from old to young; what stays, for whatever reason, is not met again."""
        selection = Selection()
        is_first = True
        while True:
            found = self._scan(root, rules, selection.goes_on_after)
            selection.fill(found)
            if is_first:
                swept.found, is_first = found, False
                self._on_progress(swept)
            self._move(selection, swept)
            if not selection.is_used_up or self._is_halted():
                swept.left_count = len(selection) + found.left_out_count
                swept.refusals.merge(found.refusals)
                return

    def _scan(self, root: int, rules: Rules, after: Place | None) -> Scan:
        try:
            return scan(Walk(root, rules.device).entries(), rules, int(self._clock.now() * 1e9), after=after)
        except OSError as exc:
            message = f"{self._folder.path}: {exc.strerror}"
            raise FolderError(message, hint="the folder could not be listed") from exc

    def _move(self, selection: Selection, swept: Swept) -> None:
        while selection and not self._is_halted():
            # All at once: each slice would begin and end with threads that wait for each other.
            jobs, size = (1, 1) if self._attempt else (self._jobs, len(selection))
            moved = self._mover.move(
                selection.take(size), jobs, self._is_halted, lambda settled: self._book(settled, swept)
            )
            selection.give_back(moved)
            self._book(moved, swept)
            if moved.error is not None and not self._may_try_again(moved.error):
                swept.error = moved.error
                break

    def _book(self, moved: Moved, swept: Swept) -> None:
        swept.totals.add(moved)
        swept.later += moved.later
        swept.refusals.merge(moved.refusals)
        if moved.moved_count or moved.copied_count:
            self._failing_since, self._attempt = None, 0
        self._on_progress(swept)

    def _may_try_again(self, error: AgentError) -> bool:
        """Wait out what passes by itself; what needs a person ends it."""
        if not isinstance(error, Throttled | Unavailable):
            return False
        now_s = self._clock.monotonic()
        self._failing_since = now_s if self._failing_since is None else self._failing_since
        if now_s - self._failing_since > GIVE_UP_AFTER_S:
            return False
        ends_at = now_s + retry_s(self._attempt, self._dice.random())
        self._attempt += 1
        while self._clock.monotonic() < ends_at and not self._is_halted():
            time.sleep(0.1)
        return True
