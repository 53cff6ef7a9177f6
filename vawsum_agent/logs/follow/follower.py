"""Following one configured source: the scan that is the truth, and the tails that come of it."""

from __future__ import annotations

import os
from heapq import nsmallest
from typing import TYPE_CHECKING, ParamSpec

from vawsum_agent.core.errors import StateError
from vawsum_agent.logs.follow.chain import Chain
from vawsum_agent.logs.follow.folders import Folders
from vawsum_agent.logs.follow.globs import Globs
from vawsum_agent.logs.follow.ground import Ground
from vawsum_agent.logs.follow.names import rotation_bases
from vawsum_agent.logs.follow.problems import Problem, Problems
from vawsum_agent.logs.follow.survey import Sighting, Survey, identity_of
from vawsum_agent.logs.follow.tail import Tail

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vawsum_agent.config.model import LogSource
    from vawsum_agent.core.clock import Clock
    from vawsum_agent.logs.follow.records import RecordStore

_P = ParamSpec("_P")

REVIEWS_A_SCAN = 16
"""How many folders are looked at again in one scan without anything having changed."""


class Follower:
    """Finds and opens what a source means. Single-threaded: called by the reader loop, never blocks for long.

    Attributes:
        wants_scan: whether the next scan should come soon: a compressed file is worked through to know what is in it.
    """

    def __init__(self, source: LogSource, files: RecordStore, clock: Clock) -> None:
        self._source = source
        self._files = files
        self._clock = clock
        self._problems = Problems(source.name, clock)
        self._globs = Globs(source.paths, source.exclude)
        self._folders = Folders(self._globs, self._problems, clock)
        self._survey = Survey(self._globs, self._folders, self._problems)
        self._ground = Ground(source.name, self._survey, files, clock, self._problems)
        self._chains: dict[str, Chain] = {}
        self._is_resumed = False
        self.wants_scan = False

    def scan(self) -> None:
        """Look at every file that the globs mean, and open what is new at once.

        A file unlinked a moment later stays readable. What the store refuses to take is a problem of the path and
        tried again by the next scan. Raises StateError when the records can't be read, in the first scan.
        """
        self._folders.begin()
        if not self._is_resumed:
            self._resume()
        seen: set[str] = set()
        for folder, pattern in self._globs.folders():
            is_unchanged = self._folders.is_unchanged(folder)
            for path in self._folders.live(folder, pattern):
                chain = self._chains.get(path)
                status = chain.held_status() if chain is not None and is_unchanged else None
                if status is None:
                    status = self._survey.status(path)
                    if status is None:
                        continue
                seen.add(path)
                if chain is None:
                    self._guard(path, self._meet, path, status)
                elif not chain.looks_as_before(status):
                    self._guard(path, chain.changed, status)
        self._look_after(seen)
        self._ground.skips_existing = False

    def tails(self) -> Sequence[Tail]:
        """Give the generations with something to follow, oldest of a path first."""
        return [tail for chain in self._chains.values() for tail in chain.tails if not tail.is_finished]

    def problems(self) -> list[Problem]:
        """Give what keeps files from being followed."""
        return self._problems.now()

    def folders(self) -> list[str]:
        """Give the folders in which a new file can be a live log, for `Wake`."""
        return sorted({folder for folder, _ in self._globs.folders()})

    def close(self) -> None:
        """Let go of every file. What was not checkpointed is read again by the next follower."""
        for chain in self._chains.values():
            chain.close()
        self._chains.clear()

    def _resume(self) -> None:
        """Take up the generations that the store knows, before anything can be taken for new."""
        records = self._files.of_source(self._source.name)
        self._ground.skips_existing = self._source.start_at == "end" and not records
        by_path: dict[str, list[Tail]] = {}
        for record in records:
            tail = Tail(record, self._ground)
            self._ground.claims[record.fingerprint.device, record.fingerprint.inode] = tail
            by_path.setdefault(record.path, []).append(tail)
        for path, tails in by_path.items():
            if self._survey.means(path):
                self._chains[path] = Chain(path, self._ground, tails)
        self._is_resumed = True
        for path, chain in self._chains.items():
            self._guard(path, chain.review)

    def _meet(self, path: str, status: os.stat_result) -> None:
        """Begin to follow a path, unless its file is another path's or a rotated copy of it."""
        holder = self._ground.claims.get(identity_of(status))
        owner = None if holder is None else self._chains.get(holder.record.path)
        if holder is not None and owner is not None:
            sighting = Sighting(path, identity_of(status), status.st_size, status.st_mtime_ns)
            if self._ground.holder(sighting.identity) is not None:
                return
            if owner.meet(holder, sighting):
                return
        folder, name = os.path.split(path)
        for base in rotation_bases(name):
            live = os.path.join(folder, base)
            if live in self._chains or (base in self._folders.names(folder) and self._survey.means(live)):
                return
        chain = self._chains[path] = Chain(path, self._ground)
        chain.review()

    def _look_after(self, seen: set[str]) -> None:
        now = self._clock.monotonic()
        due = []
        changed = {folder for folder in self._ground.folders if self._folders.has_changed(folder)}
        for path, chain in list(self._chains.items()):
            if chain.live is not None and path not in seen:
                self._guard(path, chain.vanished)
            if chain.is_busy:
                self._guard(path, chain.settle)
            if changed and not changed.isdisjoint(chain.folders):
                chain.pace.restart(now)
            if not chain.tails and path not in seen:
                del self._chains[path]
            elif chain.pace.due <= now:
                due.append(chain)
        for chain in nsmallest(REVIEWS_A_SCAN, due, key=lambda chain: chain.pace.due):
            self._guard(chain.path, chain.review)
        self.wants_scan = any(chain.wants_review for chain in due)

    def _guard(self, path: str, step: Callable[_P, None], *args: _P.args, **kwargs: _P.kwargs) -> None:
        """Do one path's step; a disk or store that fails must not keep the other paths from being opened."""
        try:
            step(*args, **kwargs)
        except StateError as error:
            self._problems.note(path, error.message, error.hint)
        except OSError as error:
            self._problems.note_error(path, error)
