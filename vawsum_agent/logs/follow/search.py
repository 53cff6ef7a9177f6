"""Finding the files of generations that are known: by device and inode, or, as a copy or compressed, by their bytes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from vawsum_agent.logs.follow.fingerprint import HEAD_BYTES, begins_alike
from vawsum_agent.logs.follow.matching import Fit, Trials
from vawsum_agent.logs.follow.names import rotation_bases

if TYPE_CHECKING:
    from vawsum_agent.logs.follow.chain import Chain
    from vawsum_agent.logs.follow.content import Identity
    from vawsum_agent.logs.follow.ground import Ground
    from vawsum_agent.logs.follow.survey import Sighting
    from vawsum_agent.logs.follow.tail import Tail


class Search:
    """Searches for the generations of one chain. Files that are found to belong to one are taken out of ``files``."""

    def __init__(self, chain: Chain, ground: Ground) -> None:
        self._chain = chain
        self._ground = ground
        self._trials = Trials(ground.survey)
        self._met: set[int] = set()

    @property
    def is_trying(self) -> bool:
        """Whether a compressed file is being read to see whether it fits."""
        return self._trials.is_busy

    def run(self, files: dict[Identity, Sighting]) -> bool:
        """Look for every generation that has no file open. True: a question is open, look again before deciding."""
        self._met.clear()
        question = False
        for tail in reversed(self._chain.tails):
            sighting = files.get((tail.fingerprint.device, tail.fingerprint.inode))
            if sighting is not None and tail.content is None:
                question |= self._by_inode(tail, sighting, files)
        for tail in self._chain.tails:
            if tail.is_searching and not tail.is_finished and tail.fingerprint.head_length > 0:
                question |= self._by_bytes(tail, files)
        self._trials.sweep()
        return question

    def has_file(self, tail: Tail) -> bool:
        """Whether the last run saw the very file of a finished generation."""
        return tail.file_id in self._met

    def meet(self, tail: Tail, sighting: Sighting) -> bool:
        """Whether a file at the inode of a finished generation is still its; it is read on when it grew."""
        files = {sighting.identity: sighting}
        self._by_inode(tail, sighting, files)
        return not files

    def close(self) -> None:
        """Let go of all that is being tried."""
        self._trials.close()

    def _by_inode(self, tail: Tail, sighting: Sighting, files: dict[Identity, Sighting]) -> bool:
        is_live = sighting.path == self._chain.path
        if tail.fingerprint.head_length == 0 and (sighting.size > 0 or (tail.is_finished and is_live)):
            # Nothing was ever read of it, and its inode may be another's by now: look at the file without prejudice.
            return False
        if tail.is_finished and not is_live and (sighting.is_compressed or sighting.size <= tail.position):
            return self._meet_again(tail, sighting, files)
        fit, content = self._trials.take(tail, sighting)
        if fit is Fit.NO:
            return False
        if fit is Fit.YES and content is not None:
            self._chain.go_on(tail, content, sighting)
        elif content is not None:
            # SHORT: truncated. What becomes of the file is decided with the new arrivals.
            content.close()
            return False
        files.pop(sighting.identity)
        return fit is not Fit.YES

    def _meet_again(self, tail: Tail, sighting: Sighting, files: dict[Identity, Sighting]) -> bool:
        head = self._ground.survey.head(sighting)
        if head is not None and not begins_alike(tail.fingerprint, head):
            return False
        self._met.add(tail.file_id)
        files.pop(sighting.identity)
        return head is None

    def _by_bytes(self, tail: Tail, files: dict[Identity, Sighting]) -> bool:
        question = False
        short: Sighting | None = None
        for sighting in self._candidates(tail, files):
            fit, content = self._trials.take(tail, sighting)
            if fit is Fit.YES and content is not None:
                self._chain.go_on(tail, content, sighting)
                files.pop(sighting.identity)
                return question
            if content is not None:
                content.close()
                short = short or sighting
            if fit is Fit.NOT_YET:
                files.pop(sighting.identity)
                return True
            question |= fit is Fit.UNREADABLE
        if short is not None and not question:
            self._ends_in(tail, short, files)
        return question

    def _candidates(self, tail: Tail, files: dict[Identity, Sighting]) -> list[Sighting]:
        """Order the files that may hold it: generations that begin alike are told apart by their times.

        The oldest that is not older than the generation itself comes first; a file that only bears the name of
        another live log is none.
        """
        possible = [s for s in files.values() if self._is_ours(s)]
        return sorted(possible, key=lambda s: (s.mtime < tail.modified_at, abs(s.mtime - tail.modified_at), s.path))

    def _is_ours(self, sighting: Sighting) -> bool:
        base = os.path.basename(self._chain.path)
        if sighting.path == self._chain.path or base in rotation_bases(os.path.basename(sighting.path)):
            return True
        return not self._ground.survey.means(sighting.path)

    def _ends_in(self, tail: Tail, sighting: Sighting, files: dict[Identity, Sighting]) -> None:
        """The copy that copytruncate made ends before what was read of the original: there is no unread rest in it."""
        if sighting.path == self._chain.path or tail.fingerprint.head_length < HEAD_BYTES:
            return
        files.pop(sighting.identity)
        self._chain.lose(tail)
