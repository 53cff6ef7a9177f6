"""What was asked of this host of late, second by second: `logs` puts it in as it reads, the control socket tells it.

Requests lie in the second that their own line states, so that a backlog which is caught up with is no traffic of now.
It outlives a reload of the configuration, and remembers of each file how far it was counted: what is read again (a
batch taken back, a new reader) counts once. It lives in memory alone; a new run of the daemon begins with nothing.

Bounded: a thousand seconds and tens of seconds, of fixed size each, below one megabyte.
"""

from __future__ import annotations

import threading
from array import array
from typing import TYPE_CHECKING

from vawsum_agent.core.requests import MOST_HOSTS, OTHER_HOSTS, clean_host
from vawsum_agent.core.traffic import STEPS, Counted, HostTraffic, Traffic, step_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from vawsum_agent.core.clock import Clock
    from vawsum_agent.core.requests import HostRequests

KEPT_S = 4200
"""The longest window of a guard and ten minutes."""

_IN_SECONDS_S = 600
"""So long by seconds, then by tens of seconds."""

_COARSE_S = 10
_AHEAD_S = 60
"""What says to be of later than that is a mistake: no such second is kept."""

_MOST_FILES = 2048
_HIGHEST = (1 << 32) - 1
_TOTALS = 5
_HOSTS_AT = _TOTALS + STEPS
_OTHERS = MOST_HOSTS + 1


class RecentRequests:
    """Counts of the last `KEPT_S` seconds. Any thread may call.

    Args:
        run_id: of this run of the daemon alone.
    """

    def __init__(self, clock: Clock, run_id: str) -> None:
        self._clock = clock
        self._run_id = run_id
        self._since = clock.now()
        self._lock = threading.Lock()
        self._seconds: dict[int, array[int]] = {}
        self._coarse: dict[int, array[int]] = {}
        self._hosts: dict[str, int] = {}
        self._read_to: dict[int, int] = {}
        self._counted_until: float | None = None
        self._delay_s = 0.0

    # -- what is counted

    def oldest(self) -> int:
        """The earliest second that is kept; a whole minute."""
        earliest = int(self._clock.now()) - KEPT_S
        return earliest - earliest % 60

    def take(self, file_id: int, start: int, end: int) -> int:
        """Have bytes of a file counted.

        Returns:
            From where on they were not before; ``end`` when all of them were.
        """
        with self._lock:
            done = self._read_to.pop(file_id, 0)
            # The one that was counted last stands last: those that go first are of files long rotated away.
            self._read_to[file_id] = max(done, end)
            if len(self._read_to) > _MOST_FILES:
                del self._read_to[next(iter(self._read_to))]
            return min(max(start, done), end)

    def add(self, second: int, hosts: Mapping[str, HostRequests]) -> None:
        """Add what the lines of one second say, by virtual host."""
        if not self.oldest() <= second <= self._clock.now() + _AHEAD_S:
            return
        with self._lock:
            counts = self._seconds.get(second)
            if counts is None:
                self._fold()
                counts = self._seconds[second] = _nothing()
            for host, counted in hosts.items():
                self._add(counts, host, counted)

    def progress(self, counted_until: float, delay_s: float) -> None:
        """Note that what was logged before a moment is counted; ``delay_s`` behind now is as near as it gets."""
        now, known = self._clock.now(), self._counted_until
        until = min(counted_until, now)
        # What is counted stays so: a file that turns up late holds up what follows. Unless the clock was set back.
        self._counted_until = until if known is None or known > now else max(known, until)
        self._delay_s = delay_s

    # -- what is told

    def told(self, from_at: float, until_at: float) -> Counted:
        """Sum up the seconds that begin in a while; of what is older than ten minutes, tens of seconds."""
        return Counted(
            daemon=self._run_id,
            since=self._since,
            counted_until=self._counted_until,
            delay_s=self._delay_s,
            from_at=from_at,
            until_at=until_at,
            traffic=self._sum(from_at, until_at),
        )

    # -- with the lock held

    def _add(self, counts: array[int], host: str, counted: HostRequests) -> None:
        _increase(counts, 0, counted.requests)
        for place, answers in enumerate(_answers(counted), 1):
            _increase(counts, place, answers)
        for bucket, count in counted.latency.items():
            _increase(counts, _TOTALS + step_of(bucket), count)
        place = _HOSTS_AT + 2 * self._place_of(clean_host(host))
        _increase(counts, place, counted.requests)
        _increase(counts, place + 1, counted.answers_5xx)

    def _place_of(self, host: str) -> int:
        place = self._hosts.get(host)
        if place is None:
            place = min(_OTHERS, len(self._hosts))
            if place < _OTHERS:
                self._hosts[host] = place
        return place

    def _fold(self) -> None:
        """Put seconds that are no longer recent together, and forget what is old."""
        now = int(self._clock.now())
        for second in [second for second in self._seconds if second < now - _IN_SECONDS_S]:
            counts = self._seconds.pop(second)
            tens = second - second % _COARSE_S
            known = self._coarse.get(tens)
            if known is None:
                self._coarse[tens] = counts
            else:
                for place, count in enumerate(counts):
                    _increase(known, place, count)
        oldest = self.oldest()
        for tens in [tens for tens in self._coarse if tens < oldest]:
            del self._coarse[tens]
        # Set forward and back again, the clock leaves seconds of a time to come.
        for second in [second for second in self._seconds if second > now + _AHEAD_S]:
            del self._seconds[second]

    def _within(self, from_at: float, until_at: float) -> Iterator[array[int]]:
        for slots in (self._seconds, self._coarse):
            for begin, counts in slots.items():
                if from_at <= begin < until_at:
                    yield counts

    def _sum(self, from_at: float, until_at: float) -> Traffic:
        with self._lock:
            found = [*self._within(from_at, until_at)]
            sums = [*map(sum, zip(*found, strict=True))] if found else [0] * len(_nothing())
            names = [*self._hosts, *([OTHER_HOSTS] if len(self._hosts) == _OTHERS else [])]
        by_host = {
            name: HostTraffic(*sums[_HOSTS_AT + 2 * place : _HOSTS_AT + 2 * place + 2])
            for place, name in enumerate(names)
        }
        return Traffic(
            requests=sums[0],
            answers_2xx=sums[1],
            answers_3xx=sums[2],
            answers_4xx=sums[3],
            answers_5xx=sums[4],
            latency=sums[_TOTALS:_HOSTS_AT],
            hosts={name: counted for name, counted in by_host.items() if counted.requests},
        )


def _nothing() -> array[int]:
    return array("I", bytes(4 * (_HOSTS_AT + 2 * (_OTHERS + 1))))


def _answers(counted: HostRequests) -> tuple[int, int, int, int]:
    return counted.answers_2xx, counted.answers_3xx, counted.answers_4xx, counted.answers_5xx


def _increase(counts: array[int], place: int, by: int) -> None:
    counts[place] = min(_HIGHEST, counts[place] + by)
