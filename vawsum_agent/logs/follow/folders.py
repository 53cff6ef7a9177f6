"""What names the folders hold. A folder that surely did not change since it was listed is not listed again."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vawsum_agent.logs.follow.names import rotation_bases

if TYPE_CHECKING:
    from vawsum_agent.core.clock import Clock
    from vawsum_agent.logs.follow.globs import Globs
    from vawsum_agent.logs.follow.problems import Problems

_TICK_S = 3.0
"""Longer than any file system's clock ticks: a change in the tick of an earlier one leaves no trace in the time."""


@dataclass(slots=True)
class _Listing:
    """The names of a folder, and what was made of them."""

    stamp: int
    is_lasting: bool
    names: list[str]
    live: dict[str, list[str]]
    rotations: dict[str, list[str]] | None = None


class Folders:
    """The folders of a source, listed at most once a scan."""

    def __init__(self, globs: Globs, problems: Problems, clock: Clock) -> None:
        self._globs = globs
        self._problems = problems
        self._clock = clock
        self._listings: dict[str, _Listing] = {}
        self._current: set[str] = set()
        self._unchanged: set[str] = set()
        self._changed: set[str] = set()

    def begin(self) -> None:
        """A scan begins: look again."""
        if len(self._listings) > 2 * len(self._current):
            self._listings = {folder: self._listings[folder] for folder in self._current}
        self._current.clear()
        self._unchanged.clear()
        self._changed.clear()

    def is_unchanged(self, folder: str) -> bool:
        """Whether surely no name in the folder has come, gone, or come to mean another file since the last scan."""
        self._look(folder)
        return folder in self._unchanged

    def has_changed(self, folder: str) -> bool:
        """Whether the folder shows that some name did."""
        self._look(folder)
        return folder in self._changed

    def names(self, folder: str) -> list[str]:
        """List a folder, sorted."""
        return self._look(folder).names

    def live(self, folder: str, pattern: str) -> list[str]:
        """Give the paths in a folder that a glob means."""
        listing = self._look(folder)
        paths = listing.live.get(pattern)
        if paths is None:
            prefix = folder if folder.endswith("/") else folder + "/"
            taken = (name for name in listing.names if self._globs.takes(pattern, folder, name))
            paths = listing.live[pattern] = [prefix + name for name in taken]
        return paths

    def rotations(self, folder: str, base: str) -> list[str]:
        """Give the names in a folder that can be rotated copies of the log named ``base``."""
        listing = self._look(folder)
        if listing.rotations is None:
            listing.rotations = {}
            for name in listing.names:
                for log in rotation_bases(name):
                    listing.rotations.setdefault(log, []).append(name)
        return listing.rotations.get(base, [])

    def _look(self, folder: str) -> _Listing:
        listing = self._listings.get(folder)
        if listing is not None and folder in self._current:
            return listing
        self._current.add(folder)
        try:
            # Before the listing: what changes in between is then seen the next time.
            stamp = os.stat(folder).st_mtime_ns
            if listing is not None and listing.stamp == stamp and listing.is_lasting:
                self._unchanged.add(folder)
                return listing
            names = sorted(os.listdir(folder))
        except OSError as error:
            self._problems.note_error(folder, error)
            stamp, names = 0, []
        if listing is None or listing.stamp != stamp:
            self._changed.add(folder)
        is_lasting = stamp / 1e9 + _TICK_S < self._clock.now()
        if listing is not None and listing.names == names:
            listing.stamp, listing.is_lasting = stamp, is_lasting
        else:
            listing = self._listings[folder] = _Listing(stamp, is_lasting, names, {})
        return listing
