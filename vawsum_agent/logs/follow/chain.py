"""The generations of one live path: what happens to the live file, and which generation is over."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import structlog

from vawsum_agent.logs.follow.arrival import Arrivals
from vawsum_agent.logs.follow.endings import QUIET_UNKNOWN_S, is_over
from vawsum_agent.logs.follow.names import escape_path
from vawsum_agent.logs.follow.pace import Pace
from vawsum_agent.logs.follow.place import Place
from vawsum_agent.logs.follow.search import Search

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vawsum_agent.logs.follow.content import Content
    from vawsum_agent.logs.follow.ground import Ground
    from vawsum_agent.logs.follow.survey import Sighting
    from vawsum_agent.logs.follow.tail import Tail

_log = structlog.get_logger()

GIVE_UP_AFTER_S = 10.0
"""How long bytes that are nowhere to be found are searched for; a rotation in progress takes less."""
ABSENT_S = 24 * 3600.0
"""The same where not one file of the path is there: its file system may just not be mounted."""
FORGET_AFTER_S = 3600.0
"""How long the record of a finished generation outlives its last file."""


class Chain:
    """The generations of one live path, oldest first, the finished ones among them as long as a file of theirs exists.

    Invariants: at most one generation is live; a file is read by at most one generation of the source.
    """

    def __init__(self, path: str, ground: Ground, tails: Sequence[Tail] = ()) -> None:
        self.path = path
        self.tails = list(tails)
        self.live: Tail | None = None
        self.pace = Pace()
        self.is_busy = False
        self._is_link = False
        self._ground = ground
        self.folders: set[str] = set()
        self.look_into(os.path.dirname(path))
        self.look_into(os.path.dirname(os.path.realpath(path)))
        self._absent_since: dict[int, float] = {}
        self._search = Search(self, ground)
        self._arrivals = Arrivals(self, ground)

    # What the scan sees of the live path

    def held_status(self) -> os.stat_result | None:
        """Look at the live file by its descriptor, which is quicker; None where the path may lead elsewhere by now."""
        live = self.live
        if live is None or live.content is None or self._is_link:
            return None
        try:
            return os.fstat(live.content.descriptor)
        except OSError:
            return None

    def looks_as_before(self, status: os.stat_result) -> bool:
        """Whether the live path is as it was seen last: the quick answer for a quiet log."""
        live = self.live
        return (
            live is not None
            and live.seen == (status.st_size, status.st_mtime_ns)
            and live.content is not None
            and live.content.identity == (status.st_dev, status.st_ino)
            and not live.is_suspect
        )

    def changed(self, status: os.stat_result) -> None:
        """Take in that the live path looks different from what was seen last."""
        live = self.live
        if live is not None:
            content = live.content
            if content is not None and content.identity == (status.st_dev, status.st_ino):
                if live.notice(status):
                    return
                self._truncated(live)
            else:
                self._moved_away()
        elif self._ground.holder((status.st_dev, status.st_ino)) is not None:
            return
        self.pace.restart(self._ground.clock.monotonic())
        self.review()

    def vanished(self) -> None:
        """Take in that there is no file at the live path any more."""
        self._moved_away()
        self.review()

    def _moved_away(self) -> None:
        live = self.live
        if live is None or live.content is None:
            return
        self.live = None
        live.place = Place.MOVED
        live.changed_at = self._ground.clock.monotonic()
        # The kernel knows where it was moved to: an olddir anywhere on the file system.
        target = os.readlink(f"/proc/self/fd/{live.content.descriptor}")
        if not target.endswith(" (deleted)"):
            self.look_into(os.path.dirname(target))
        _log.info("file_rotated", source=live.source, path=live.path, file_id=live.file_id, to=escape_path(target))
        self.pace.restart(live.changed_at)

    def look_into(self, folder: str) -> None:
        """Count a folder among those that may hold files of this path."""
        self.folders.add(folder)
        self._ground.folders.add(folder)

    def meet(self, tail: Tail, sighting: Sighting) -> bool:
        """Whether a file under some other name is still that of a finished generation; read on when it grew."""
        return self._search.meet(tail, sighting)

    def _truncated(self, tail: Tail) -> None:
        _log.info("file_truncated", source=tail.source, path=tail.path, file_id=tail.file_id, position=tail.position)
        if self.live is tail:
            self.live = None
        tail.search_anew("truncated", self._ground.clock.monotonic())

    # Looking at the folder

    def review(self) -> None:
        """Find out which file holds what. Costs a look at the folder: done after a change and now and then."""
        for tail in self.tails:
            # What was truncated meanwhile must not vouch for a file: its copy would look like something new.
            if tail.content is not None and not tail.notice(os.fstat(tail.content.descriptor)):
                self._truncated(tail)
        sightings = self._sightings()
        files = {s.identity: s for s in sightings if self._ground.holder(s.identity) is None}
        question = self._search.run(files)
        question |= self._arrivals.run(files)
        for tail in self.tails:
            # Until all is decided, the times of unfinished generations tell which files can be ones we missed.
            tail.is_held = question
        now = self._ground.clock.monotonic()
        if not question:
            for tail in self.tails:
                tail.store_time()
            self._give_up(now, GIVE_UP_AFTER_S if sightings else ABSENT_S)
            self._forget(now)
        self._count()
        self.pace.looked(now, is_alone=len(self.tails) == 1 and self.live is not None)
        if self.wants_review:
            self.pace.restart(now)

    def _sightings(self) -> list[Sighting]:
        """Sight what may belong to this path, the live file last: a file under two names is taken by its last."""
        survey = self._ground.survey
        searched = [tail for tail in self.tails if tail.is_searching and not tail.is_finished]
        sightings = []
        if searched:
            # olddir is most often a folder below; one elsewhere is known once a file was seen to move there.
            folders = self.folders.union(*map(survey.subfolders, self.folders))
            inodes = {tail.fingerprint.inode for tail in searched}
            sightings += survey.relatives(self.path, sorted(folders), inodes)
        sightings += survey.rotations(self.path, sorted(self.folders))
        live = survey.sight(self.path) if survey.means(self.path) else None
        if live is not None:
            sightings.append(live)
            self._returned(live)
        return sightings

    def _returned(self, live: Sighting) -> None:
        """A generation that had been moved away is at the live path again."""
        holder = self._ground.holder(live.identity)
        if holder is not None and holder in self.tails and holder.place is Place.MOVED:
            holder.place = Place.LIVE
            holder.is_final = False
            self.live = holder

    def attach(self, tail: Tail, content: Content, sighting: Sighting) -> None:
        """Let a generation go on in a file."""
        is_live = sighting.path == self.path
        tail.attach(content, Place.LIVE if is_live else Place.MOVED, self._ground.clock.monotonic())
        self._ground.claims[content.identity] = tail
        if is_live:
            self.live = tail
            self._is_link = os.path.realpath(self.path) != self.path
        else:
            self.look_into(os.path.dirname(sighting.path))
        if not content.is_compressed:
            tail.notice(os.fstat(content.descriptor))

    def begin(self, tail: Tail, content: Content, sighting: Sighting) -> None:
        """Take in a generation that was not known, in its place in time."""
        at = len(self.tails)
        if sighting.path != self.path:
            later = (i for i, t in enumerate(self.tails) if t is self.live or t.modified_at > tail.modified_at)
            at = next(later, at)
        self.tails.insert(at, tail)
        self.attach(tail, content, sighting)

    def go_on(self, tail: Tail, content: Content, sighting: Sighting) -> None:
        """Take up a known generation again, in the file where its next byte was found."""
        if tail.is_finished:
            self._ground.store.update(tail.file_id, is_finished=False)
            tail.is_finished = False
        self.attach(tail, content, sighting)
        _log.info(
            "generation_found",
            source=tail.source,
            path=tail.path,
            file_id=tail.file_id,
            file=escape_path(sighting.path),
            position=tail.position,
        )

    # Ends

    def settle(self) -> None:
        """Look after the generations that moved away: are they growing, are they over?"""
        for tail in self.tails:
            if tail.place is Place.MOVED and tail.content is not None:
                self._settle(tail, tail.content)
            tail.finish_when_done()
        if self._arrivals.have_grown():
            self.pace.restart(self._ground.clock.monotonic())
        self._count()

    def _settle(self, tail: Tail, content: Content) -> None:
        now = self._ground.clock.monotonic()
        status = os.fstat(content.descriptor)
        if content.is_compressed:
            self._settle_compressed(tail, content, status)
            return
        before = tail.seen
        if not tail.notice(status):
            self._truncated(tail)
            self.pace.restart(now)
            return
        if tail.seen != before:
            tail.changed_at = now
        quiet_s = max(now - tail.changed_at, self._ground.clock.now() - tail.written_at)
        tail.is_final = is_over(content.descriptor, status, quiet_s)

    def _settle_compressed(self, tail: Tail, content: Content, status: os.stat_result) -> None:
        end = content.end()
        tail.is_final = end is not None and end <= tail.position
        if not content.is_starved or tail.seen != (status.st_size, status.st_mtime_ns):
            tail.seen = (status.st_size, status.st_mtime_ns)
            tail.changed_at = self._ground.clock.monotonic()
        elif status.st_nlink == 0:
            # Its compressor gave up. A whole one may take its place.
            tail.search_anew("damaged", self._ground.clock.monotonic())
            self.pace.restart(self._ground.clock.monotonic())
        elif self._ground.clock.monotonic() - tail.changed_at >= QUIET_UNKNOWN_S:
            tail.give_up_damaged("its compressed data ends too early")

    def _give_up(self, now: float, after_s: float) -> None:
        for tail in self.tails:
            if not tail.is_searching or tail.is_finished:
                continue
            if tail.missing_since is None:
                tail.missing_since = now
            if tail.fingerprint.head_length == 0 or now - tail.missing_since >= after_s:
                self.lose(tail)

    def lose(self, tail: Tail) -> None:
        """Accept that the unread rest of a generation is nowhere any more.

        It is finished by the next scan: until then whoever reads can see the loss.
        """
        tail.place = Place.LOST
        tail.is_final = True
        tail.lost_bytes = tail.missing_bytes()
        tail.lost_reason = "" if tail.lost_bytes == 0 else tail.missing_reason

    def _forget(self, now: float) -> None:
        """Drop finished generations of which no file is left: nothing can be taken for theirs any more."""
        for tail in [tail for tail in self.tails if tail.is_finished]:
            if self._search.has_file(tail) or self._arrivals.has_copy(tail):
                self._absent_since.pop(tail.file_id, None)
            elif now - self._absent_since.setdefault(tail.file_id, now) >= FORGET_AFTER_S:
                self._ground.store.remove(tail.file_id)
                self.tails.remove(tail)
                del self._absent_since[tail.file_id]
                for identity in [i for i, t in self._ground.claims.items() if t is tail]:
                    del self._ground.claims[identity]

    def _count(self) -> None:
        unfinished = any(not tail.is_finished and tail is not self.live for tail in self.tails)
        self.is_busy = unfinished or self._arrivals.has_empties

    @property
    def wants_review(self) -> bool:
        """Whether a compressed file is being read to find out what is in it, a piece a review."""
        return self._search.is_trying or self._arrivals.is_trying

    def close(self) -> None:
        """Let go of every file."""
        self._search.close()
        self._arrivals.close()
        for tail in self.tails:
            tail.detach()
