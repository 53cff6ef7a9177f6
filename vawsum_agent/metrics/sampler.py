"""The sampling loop: a round every interval, whatever the wall clock does, each kept before the next is taken."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import structlog

from vawsum_agent.core.errors import AgentError
from vawsum_agent.core.pulse import Pulse
from vawsum_agent.metrics.sample.increases import read_baseline
from vawsum_agent.metrics.sample.rounds import RoundResult, encode_readings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from vawsum_agent.core.clock import Clock
    from vawsum_agent.metrics.aggregate.seal import Sealer
    from vawsum_agent.metrics.clock_jumps import ClockJumps
    from vawsum_agent.metrics.sample.rounds import Rounds
    from vawsum_agent.state.metric_spool import MetricSpool

_log = structlog.get_logger()

_MOST_UNSAVED = 60
"""Rounds held in memory while the store can't be written; beyond that the oldest are lost, and counted."""

_SEALING_SHARE = 0.25
"""Of the interval, at most, goes into what the access logs told while they were caught up with."""


class Sampler:
    """Takes rounds, keeps them, seals the periods that are over. `turn` is the body of the thread's loop.

    Attributes:
        errors: by source, of those that are down now.
        left_out: values that made no sense, since the start.
        defects: how often a source's own code failed as it should not, since the start.
        lost: rounds that could not be kept, since the start.
    """

    def __init__(
        self,
        *,
        rounds: Rounds,
        spool: MetricSpool,
        sealer: Sealer,
        sealed: Callable[[int], None],
        jumps: ClockJumps,
        interval_s: float,
        boot_id: str,
        clock: Clock,
    ) -> None:
        self._rounds = rounds
        self._spool = spool
        self._sealer = sealer
        self._sealed = sealed
        self._jumps = jumps
        self._interval_s = interval_s
        self._clock = clock
        self._baseline = read_baseline(spool.baseline(), boot_id)
        self._unsaved: deque[RoundResult] = deque()
        self._next_at = clock.monotonic()
        self.errors: Mapping[str, AgentError] = {}
        self.left_out = 0
        self.defects = 0
        self.lost = 0
        self.store_error: AgentError | None = None
        self.last_round_at: float | None = None
        self.pulse = Pulse(clock)

    def turn(self) -> float:
        """Take a round if one is due, seal what is over; returns how many seconds until the next one is due."""
        now = self._clock.monotonic()
        if now >= self._next_at:
            # Rounds keep their beat; those that could not be taken in time are left out, not made up for.
            self._next_at += self._interval_s * (1 + (now - self._next_at) // self._interval_s)
            self._jumps.look()
            self._take()
        self._keep()
        wait_s = max(0.0, self._next_at - self._clock.monotonic())
        self.pulse.beat(wait_s + self._interval_s)
        return wait_s

    def finish(self) -> None:
        """Keep and seal all there is, the open period too. Raises StateError."""
        self._save()
        self._seal(is_everything=True)

    def _take(self) -> None:
        result = self._rounds.take(self._baseline)
        self._baseline = result.baseline
        self._unsaved.append(result)
        if len(self._unsaved) > _MOST_UNSAVED:
            self._unsaved.popleft()
            self.lost += 1
        for name in result.errors.keys() - self.errors.keys():
            _log.warning("source_down", source=name, error=result.errors[name].message, hint=result.errors[name].hint)
        for name in self.errors.keys() - result.errors.keys():
            _log.info("source_recovered", source=name)
        self.errors = result.errors
        self.left_out += result.left_out
        self.defects += result.defect_count
        self.last_round_at = result.at_ms / 1000

    def _keep(self) -> None:
        try:
            self._save()
            self._seal(is_everything=False)
        except AgentError as error:
            if self.store_error is None:
                _log.warning("round_not_kept", error=error.message)
            self.store_error = error
        else:
            self.store_error = None

    def _save(self) -> None:
        while self._unsaved:
            result = self._unsaved[0]
            self._spool.add_round(result.at_ms, encode_readings(result.readings), result.baseline.encode())
            self._unsaved.popleft()

    def _seal(self, *, is_everything: bool) -> None:
        ends_at = self._clock.monotonic() + self._interval_s * _SEALING_SHARE
        is_over = False
        while not is_over:
            latest_ms = self._sealer.seal(int(self._clock.now() * 1000), is_everything=is_everything)
            if latest_ms is not None:
                self._sealed(latest_ms)
            is_late = not is_everything and self._clock.monotonic() >= ends_at
            is_over = is_late or not self._sealer.has_more
