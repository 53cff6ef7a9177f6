"""Files that hold a generation not met before: the new live file, and rotations that were never seen live."""

from __future__ import annotations

import math
import os
from dataclasses import replace
from enum import Enum, auto
from typing import TYPE_CHECKING

import structlog

from vawsum_agent.logs.follow.compressed import CorruptError
from vawsum_agent.logs.follow.empties import Empties
from vawsum_agent.logs.follow.fingerprint import HEAD_BYTES, begins_alike, fingerprint_of
from vawsum_agent.logs.follow.matching import Fit, Trials, head_of, is_copy_of_open
from vawsum_agent.logs.follow.names import escape_path, rotation_bases
from vawsum_agent.logs.follow.tail import Tail

if TYPE_CHECKING:
    from vawsum_agent.logs.follow.chain import Chain
    from vawsum_agent.logs.follow.content import Content, Identity
    from vawsum_agent.logs.follow.ground import Ground
    from vawsum_agent.logs.follow.survey import Sighting

_log = structlog.get_logger()

_STILL_WRITTEN_S = 600.0


class _Verdict(Enum):
    """What a rotation that belongs to no known generation by its inode turns out to be."""

    NEW = auto()
    KNOWN = auto()
    EMPTY = auto()
    OPEN = auto()
    """It can't be told yet."""


class Arrivals:
    """Decides about the files of one path that belong to no known generation."""

    def __init__(self, chain: Chain, ground: Ground) -> None:
        self._chain = chain
        self._ground = ground
        self._trials = Trials(ground.survey)
        self._empties = Empties(ground.clock)
        self._copies: dict[Sighting, int] = {}
        self._since = self._reference()

    @property
    def is_trying(self) -> bool:
        """Whether a compressed file is being read to see whether it is a copy."""
        return self._trials.is_busy

    @property
    def has_empties(self) -> bool:
        """Whether empty files are kept open."""
        return bool(self._empties)

    def have_grown(self) -> bool:
        """Whether a file that was kept open for being empty is to be looked at again."""
        for sighting in self._empties.release():
            self._copies[sighting] = 0
        return bool(self._empties.grown())

    def run(self, files: dict[Identity, Sighting]) -> bool:
        """Begin the generations that are new. True: a question is open, look again before deciding anything else."""
        live, content = self._open_live(files)
        rotations = [s for s in files.values() if s is not live and self._is_rotation(s)]
        question = False
        if self._chain.tails:
            candidates = {s.identity: s for s in [*self._grown(), *rotations] if s.mtime >= self._since}
            for sighting in sorted(candidates.values(), key=lambda s: (s.mtime_ns, s.path)):
                question |= self._adopt(sighting, content)
        if live is not None and content is not None:
            self._begin(live, content, rotations)
        present = set(files.values())
        self._copies = {sighting: file_id for sighting, file_id in self._copies.items() if sighting in present}
        self._trials.sweep()
        question |= live is not None and content is None
        if not question:
            self._since = self._reference()
        return question

    def _grown(self) -> list[Sighting]:
        grown = []
        for sighting in self._empties.grown():
            if self._ground.holder(sighting.identity) is None:
                grown.append(sighting)
            elif (content := self._empties.take(sighting.identity)) is not None:
                # It turned out to be the copy in which a truncated generation goes on.
                content.close()
        return grown

    def has_copy(self, tail: Tail) -> bool:
        """Whether the last run saw a copy of a generation."""
        return tail.file_id in self._copies.values()

    def close(self) -> None:
        """Let go of all that is being tried."""
        self._trials.close()
        self._empties.close()

    def _open_live(self, files: dict[Identity, Sighting]) -> tuple[Sighting | None, Content | None]:
        for sighting in files.values():
            if sighting.path == self._chain.path:
                return sighting, self._ground.survey.open(sighting)
        return None, None

    def _is_rotation(self, sighting: Sighting) -> bool:
        return os.path.basename(self._chain.path) in rotation_bases(os.path.basename(sighting.path))

    def _reference(self) -> float:
        """The time since when a file can be a generation that was missed; older ones were there before we were.

        Taken at the end of a review, for the next one: what a slow writer adds to an old file meanwhile must not make
        a generation look old that began later and ended earlier.
        """
        unfinished = [tail.record.modified_at for tail in self._chain.tails if not tail.is_finished]
        finished = [tail.record.modified_at for tail in self._chain.tails]
        return min(unfinished) if unfinished else max(finished, default=math.inf)

    # Rotations never seen live

    def _adopt(self, sighting: Sighting, live: Content | None) -> bool:
        """Begin the generation of a rotation that holds nothing we know. True: that can't be told yet."""
        if sighting in self._copies or (sighting.size == 0 and self._empties.holds(sighting.identity)):
            return False
        content = self._empties.take(sighting.identity) or self._ground.survey.open(sighting)
        if content is None:
            return True
        verdict = self._judge(sighting, content, live)
        if verdict is _Verdict.NEW:
            size = 0 if content.is_compressed else sighting.size
            self._add(sighting, content, initial_size=size, modified_at=sighting.mtime_ns / 1e9)
        elif verdict is _Verdict.EMPTY and not content.is_compressed:
            self._empties.hold(sighting, content)
        else:
            content.close()
        return verdict is _Verdict.OPEN

    def _judge(self, sighting: Sighting, content: Content, live: Content | None) -> _Verdict:
        """Decide whether a rotation holds the bytes of a generation that is read, or was, from another file."""
        head = head_of(content)
        if not head:
            return _Verdict.OPEN if head is None else _Verdict.EMPTY
        if live is not None and (is_copy := is_copy_of_open(content, live)) is not False:
            # copytruncate is at work on a live file that we are about to meet.
            return _Verdict.KNOWN if is_copy else _Verdict.OPEN
        for tail in reversed(self._chain.tails):
            is_its = self._holds(sighting, content, head, tail)
            if is_its is None:
                return _Verdict.OPEN
            if is_its:
                self._copies[sighting] = tail.file_id
                return _Verdict.KNOWN
        return _Verdict.NEW

    def _holds(self, sighting: Sighting, content: Content, head: bytes, tail: Tail) -> bool | None:
        if tail.fingerprint.head_length == 0:
            return False
        if tail.content is not None and not tail.content.is_compressed:
            is_copy = is_copy_of_open(content, tail.content)
            # Looked at after the comparison: truncated meanwhile, the original looks like something else.
            return is_copy if is_copy or tail.is_intact() else None
        if not begins_alike(tail.fingerprint, head):
            return False
        fit, found = self._trials.take(tail, sighting)
        if found is None:
            return False if fit is Fit.NO else None
        if fit is Fit.SHORT:
            found.close()
            return tail.fingerprint.head_length == HEAD_BYTES
        return self._goes_on_in(sighting, tail, found)

    def _goes_on_in(self, sighting: Sighting, tail: Tail, content: Content) -> bool | None:
        """Tell a mere copy from a file with more in it: a finished generation is then continued there."""
        try:
            has_more = bool(content.read_at(tail.position, 1))
        except CorruptError:
            # As far as it can be read, it is a copy.
            content.close()
            return True
        if has_more and tail.is_finished:
            # A short one may just as well be a header that the next generation begins with, too.
            if tail.position < HEAD_BYTES:
                content.close()
                return False
            self._chain.go_on(tail, content, sighting)
            return True
        is_complete = has_more or content.end() is not None
        content.close()
        return True if is_complete else None

    # The live file

    def _begin(self, live: Sighting, content: Content, rotations: list[Sighting]) -> None:
        modified_at = live.mtime_ns / 1e9
        if not self._chain.tails:
            # Older rotations are none of ours: the time we go by from now on is later than all of theirs.
            modified_at = max([modified_at, *(rotation.mtime + 1e-6 for rotation in rotations)])
            self._keep_out(live, rotations)
        size = content.end() or 0
        start = size if self._ground.skips_existing else self._cut_off(live, size)
        self._add(live, content, initial_size=size, modified_at=modified_at, start_offset=start)

    def _cut_off(self, live: Sighting, size: int) -> int:
        """Where reading starts in a file that was shortened to a part of what we read, and else 0.

        What is left of it is no new generation: nobody wants it twice.
        """
        for tail in self._chain.tails:
            fingerprint = tail.fingerprint
            if (
                tail.is_searching
                and (fingerprint.device, fingerprint.inode) == live.identity
                and fingerprint.head_length == HEAD_BYTES
                and size < tail.position
                and begins_alike(fingerprint, self._ground.survey.head(live) or b"")
            ):
                tail.missing_reason = "truncated"
                self._chain.lose(tail)
                return size
        return 0

    def _keep_out(self, live: Sighting, rotations: list[Sighting]) -> None:
        """Remember rotations that may still be written to: only what is added from now on is read."""
        for sighting in rotations:
            if sighting.is_compressed or sighting.mtime < live.mtime - _STILL_WRITTEN_S:
                continue
            record = self._ground.store.add(
                source=self._ground.source,
                path=self._chain.path,
                fingerprint=fingerprint_of(*sighting.identity, self._ground.survey.head(sighting) or b""),
                start_offset=sighting.size,
                initial_size=sighting.size,
                modified_at=sighting.mtime_ns / 1e9,
            )
            self._ground.store.update(record.file_id, is_finished=True)
            self._chain.tails.append(Tail(replace(record, is_finished=True), self._ground))

    def _add(
        self,
        sighting: Sighting,
        content: Content,
        *,
        initial_size: int,
        modified_at: float,
        start_offset: int = 0,
    ) -> None:
        try:
            # If we die right after, the next start finds the file by this record, with nothing of it read.
            record = self._ground.store.add(
                source=self._ground.source,
                path=self._chain.path,
                fingerprint=fingerprint_of(*sighting.identity, head_of(content) or b""),
                start_offset=start_offset,
                initial_size=initial_size,
                modified_at=modified_at,
            )
        except BaseException:
            content.close()
            raise
        tail = Tail(record, self._ground)
        self._chain.begin(tail, content, sighting)
        _log.info(
            "generation_met",
            source=tail.source,
            path=tail.path,
            file_id=tail.file_id,
            file=escape_path(sighting.path),
            start_offset=start_offset,
            size=initial_size,
        )
