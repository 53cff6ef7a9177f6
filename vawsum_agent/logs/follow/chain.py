"""The generations of one live path: what happens to the live file, and which generation is over."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import structlog

from vawsum_agent.logs.follow.arrival import Arrivals
from vawsum_agent.logs.follow.endings import is_over
from vawsum_agent.logs.follow.search import Search
from vawsum_agent.logs.follow.tail import Place, Tail

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vawsum_agent.logs.follow.content import Content
    from vawsum_agent.logs.follow.ground import Ground
    from vawsum_agent.logs.follow.survey import Sighting

_log = structlog.get_logger()

GIVE_UP_AFTER_S = 10.0
"""How long bytes that are nowhere to be found are searched for; a rotation in progress takes less."""
ABSENT_S = 24 * 3600.0
"""The same where not one file of the path is there: its file system may just not be mounted."""
FORGET_AFTER_S = 3600.0
"""How long the record of a finished generation outlives its last file."""
REVIEW_DELAYS_S = (0.0, 0.2, 1.0, 5.0)
"""After a change the folder is looked at again so often: a rotation is many renames, and a listing may miss some."""
REVIEW_EVERY_S = 60.0
"""How often without a change: a file that was closed may grow without its folder showing it."""
REVIEW_ALONE_EVERY_S = 600.0
"""The same where there is no such file."""


class Chain:
    """The generations of one live path, oldest first, the finished ones among them as long as a file of theirs exists.

    Invariants: at most one generation is live; a file is read by at most one generation of the source.
    """

    def __init__(self, path: str, ground: Ground, tails: Sequence[Tail] = ()) -> None:
        self.path = path
        self.tails = list(tails)
        self.live: Tail | None = None
        self.due = 0.0
        self.is_busy = False
        self._is_link = False
        self._ground = ground
        self.folders: set[str] = set()
        self.look_into(os.path.dirname(path))
        self.look_into(os.path.dirname(os.path.realpath(path)))
        self._round = 0
        self._absent_since: dict[int, float] = {}
        self._search = Search(self, ground)
        self._arrivals = Arrivals(self, ground)

    # What the scan sees of the live path

    def held_status(self) -> os.stat_result | None:
        """Look at the live file by its descriptor, which is quicker; None where the path may lead elsewhere by now."""
        live = self.live
        if live is None or live.content is None or self._is_link:
            return None
        return os.fstat(live.content.descriptor)

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
                self.moved_away()
        elif self._ground.holder((status.st_dev, status.st_ino)) is not None:
            return
        self._round = 0
        self.review()

    def moved_away(self) -> None:
        """Take in that the live generation is no longer at the live path."""
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
        _log.info("file_rotated", source=live.source, path=live.path, file_id=live.file_id, to=os.path.basename(target))
        self._round = 0

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
        tail.detach()
        tail.place = Place.SEARCHED
        tail.missing_reason = "truncated"
        tail.missing_since = self._ground.clock.monotonic()

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
        if self._search.is_trying or self._arrivals.is_trying:
            self._round = 0
        self._count()
        self.due = now + self._delay_s()
        self._round += 1

    def _delay_s(self) -> float:
        if self._round < len(REVIEW_DELAYS_S):
            return REVIEW_DELAYS_S[self._round]
        return REVIEW_EVERY_S if len(self.tails) > 1 or self.live is None else REVIEW_ALONE_EVERY_S

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
            file=os.path.basename(sighting.path),
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
            self.due = 0.0
        self._count()

    def _settle(self, tail: Tail, content: Content) -> None:
        now = self._ground.clock.monotonic()
        if content.is_compressed:
            end = content.end()
            tail.is_final = end is not None and end <= tail.position
            return
        status = os.fstat(content.descriptor)
        before = tail.seen
        if not tail.notice(status):
            self._truncated(tail)
            self._round = 0
            self.due = 0.0
            return
        if tail.seen != before:
            tail.changed_at = now
        quiet_s = max(now - tail.changed_at, self._ground.clock.now() - tail.written_at)
        tail.is_final = is_over(content.descriptor, status, quiet_s)

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

    def close(self) -> None:
        """Let go of every file."""
        self._search.close()
        self._arrivals.close()
        for tail in self.tails:
            tail.detach()
