"""One folder as its lane works on it: opened anew each time, scanned, and its files handed to a mover."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from msgspec.structs import replace as with_settings

from vawsum_agent.core.errors import StateError
from vawsum_agent.images.beneath import FolderError, open_root
from vawsum_agent.images.find.scan import scan
from vawsum_agent.images.find.walk import Walk
from vawsum_agent.images.inspect.rules import Rules, rules_of
from vawsum_agent.images.move.mover import Mover

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

    from vawsum_agent.config.model import ImagesFolder
    from vawsum_agent.core.clock import Clock
    from vawsum_agent.images.find.scan import Place as PlaceInOrder
    from vawsum_agent.images.find.scan import Scan
    from vawsum_agent.images.find.walk import Entry
    from vawsum_agent.images.move.memory import StoredMemory
    from vawsum_agent.images.move.mover import Uploader
    from vawsum_agent.images.remove.removal import Remover

_LOOK_UP_EVERY = 500
"""Entries between two looks at whether to go on."""

_FAR_AHEAD_NS = 365 * 86_400 * 10**9
"""Taken off the age that copies ask for: it does not matter what a clock says."""


class Halted(Exception):
    """A scan ended early since the lane is to end, or to do something else."""


@dataclass(frozen=True, slots=True)
class Place:
    """One folder, and all that moving its files takes.

    Attributes:
        folder: where, and what moves.
        uploader: puts files into the bucket.
        remover: takes them away.
        memory: of files that stay.
        clock: wall time.
        on_progress: the lane's sign of life; given the bytes that go next without one.
        is_young_due: whether files are due however young they are.
    """

    folder: ImagesFolder
    uploader: Uploader
    remover: Remover
    memory: StoredMemory
    clock: Clock
    on_progress: Callable[[int], None]
    is_young_due: bool = False

    def for_copies(self) -> Place:
        """Give the same folder to be copied as a whole, with nothing removed."""
        return replace(self, folder=with_settings(self.folder, delete_local=False), is_young_due=True)

    @contextmanager
    def opened(self) -> Iterator[OpenPlace]:
        """Open the folder: it may have been replaced since the last time. Raises FolderError."""
        root = open_root(self.folder.path)
        try:
            rules = rules_of(self.folder, root)
            yield OpenPlace(self, root, replace(rules, min_age_ns=-_FAR_AHEAD_NS) if self.is_young_due else rules)
        except OSError as exc:
            message = f"{self.folder.path}: {exc.strerror}"
            raise FolderError(message, hint="the folder could not be listed") from exc
        finally:
            os.close(root)


@dataclass(frozen=True, slots=True)
class OpenPlace:
    """The folder while it is open.

    Attributes:
        root: its descriptor.
    """

    place: Place
    root: int
    rules: Rules

    def scan(
        self,
        is_halted: Callable[[], bool],
        after: PlaceInOrder | None = None,
        on_folder: Callable[[int], None] = lambda _: None,
    ) -> Scan:
        """Look at all of it, or at what comes after a place in the order from old to young.

        Args:
            is_halted: asked now and then.
            after: the place.
            on_folder: given a descriptor of each folder, the root first.

        Raises:
            Halted: it was told to end.
            OSError: the folder can't be read.
        """
        memory, now = self.place.memory, self.place.clock.now()
        with suppress(StateError):  # believed a little longer: a full disk must not keep anything from moving
            memory.forget_old(now)
        walk = Walk(self.root, self.rules.device, on_folder)
        with _ending(walk.entries()) as entries:
            looked_at = _look_up(entries, self.place.on_progress, is_halted)
            known = memory.verdict if memory.has_any() else None
            return scan(looked_at, self.rules, int(now * 1e9), known, after=after)

    def mover(self) -> Mover:
        """Give what moves its files."""
        place = self.place
        return Mover(place.folder, self.root, self.rules, place.uploader, place.remover, place.clock, place.on_progress)


@contextmanager
def _ending(entries: Generator[Entry]) -> Iterator[Generator[Entry]]:
    """Close what a walk holds open, however it ends."""
    try:
        yield entries
    finally:
        entries.close()


def _look_up(
    entries: Iterable[Entry], on_progress: Callable[[int], None], is_halted: Callable[[], bool]
) -> Iterator[Entry]:
    for number, entry in enumerate(entries):
        if number % _LOOK_UP_EVERY == 0:
            on_progress(0)
            if is_halted():
                raise Halted
        yield entry
