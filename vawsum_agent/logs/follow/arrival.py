"""Files that hold a generation not met before: the new live file, and rotations that were never seen live."""

from __future__ import annotations

import math
import os
from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from vawsum_agent.logs.follow.fingerprint import HEAD_BYTES, begins_alike, fingerprint_of
from vawsum_agent.logs.follow.matching import Fit, Trials, is_copy_of_open
from vawsum_agent.logs.follow.names import rotation_bases
from vawsum_agent.logs.follow.tail import Tail

if TYPE_CHECKING:
    from vawsum_agent.logs.follow.chain import Chain
    from vawsum_agent.logs.follow.content import Content, Identity
    from vawsum_agent.logs.follow.ground import Ground
    from vawsum_agent.logs.follow.survey import Sighting

_log = structlog.get_logger()

_STILL_WRITTEN_S = 600.0


class Arrivals:
    """Decides about the files of one path that belong to no known generation."""

    def __init__(self, chain: Chain, ground: Ground) -> None:
        self._chain = chain
        self._ground = ground
        self._trials = Trials(ground.survey)
        self._copies: dict[Sighting, int] = {}
        self._since = self._reference()

    @property
    def is_trying(self) -> bool:
        """Whether a compressed file is being read to see whether it is a copy."""
        return self._trials.is_busy

    def run(self, files: dict[Identity, Sighting]) -> bool:
        """Begin the generations that are new. True: a question is open, look again before deciding anything else."""
        live, content = self._open_live(files)
        rotations = sorted(
            (s for s in files.values() if s is not live and self._is_rotation(s)), key=lambda s: (s.mtime_ns, s.path)
        )
        question = False
        if self._chain.tails:
            for sighting in rotations:
                if sighting.mtime >= self._since:
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

    def has_copy(self, tail: Tail) -> bool:
        """Whether the last run saw a copy of a generation."""
        return tail.file_id in self._copies.values()

    def close(self) -> None:
        """Let go of all that is being tried."""
        self._trials.close()

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
        if sighting in self._copies:
            return False
        head = self._ground.survey.head(sighting)
        if head is None or (not head and sighting.is_compressed):
            return head is None
        # An empty one is opened as well: a slow writer may be about to write to it.
        is_known = self._is_known(sighting, live) if head else False
        if is_known is not False:
            return is_known is None
        content = self._ground.survey.open(sighting)
        if content is None:
            return True
        size = 0 if content.is_compressed else sighting.size
        self._add(sighting, content, head=head, initial_size=size, modified_at=sighting.mtime_ns / 1e9)
        return False

    def _is_known(self, sighting: Sighting, live: Content | None) -> bool | None:
        """Whether a rotation holds the bytes of a generation that is read, or was, from another file."""
        if live is not None and (is_copy := self._is_copy(sighting, live)) is not False:
            # copytruncate is at work on a live file that we are about to meet.
            return is_copy
        for tail in reversed(self._chain.tails):
            is_its = self._holds(sighting, tail)
            if is_its is not False:
                if is_its:
                    self._copies[sighting] = tail.file_id
                return is_its
        return False

    def _is_copy(self, sighting: Sighting, original: Content) -> bool | None:
        content = self._ground.survey.open(sighting)
        if content is None:
            return None
        try:
            return is_copy_of_open(content, original)
        finally:
            content.close()

    def _holds(self, sighting: Sighting, tail: Tail) -> bool | None:
        if tail.fingerprint.head_length == 0:
            return False
        if tail.content is not None and not tail.content.is_compressed:
            return self._is_copy(sighting, tail.content)
        fit, content = self._trials.take(tail, sighting)
        if content is None:
            return False if fit is Fit.NO else None
        if fit is Fit.SHORT:
            content.close()
            return tail.fingerprint.head_length == HEAD_BYTES
        return self._goes_on_in(sighting, tail, content)

    def _goes_on_in(self, sighting: Sighting, tail: Tail, content: Content) -> bool | None:
        """Tell a mere copy from a file with more in it: a finished generation is then continued there."""
        has_more = bool(content.read_at(tail.position, 1))
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
        head = content.head() or b""
        self._add(live, content, head=head, initial_size=size, modified_at=modified_at, start_offset=start)

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
        head: bytes,
        initial_size: int,
        modified_at: float,
        start_offset: int = 0,
    ) -> None:
        try:
            # If we die right after, the next start finds the file by this record, with nothing of it read.
            record = self._ground.store.add(
                source=self._ground.source,
                path=self._chain.path,
                fingerprint=fingerprint_of(*sighting.identity, head),
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
            file=os.path.basename(sighting.path),
            start_offset=start_offset,
            size=initial_size,
        )
