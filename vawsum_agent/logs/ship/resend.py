"""Sends events without a journal: what is on its way when the process dies stays with the caller, to be sent again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.core.errors import AwsError, Rejected, Throttled, Unavailable
from vawsum_agent.logs.ship.backoff import backoff_s
from vawsum_agent.logs.ship.bisect import divide
from vawsum_agent.logs.ship.put import INVALID
from vawsum_agent.logs.ship.undeliverable import reason_of

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterable

    from vawsum_agent.logs.batch.compose import Composer
    from vawsum_agent.logs.batch.event import Event
    from vawsum_agent.logs.ship.put import Putter

    Settle = Callable[[list[Event], list[Event]], None]

_TRIES = 5
_STRIKES = 3
"""A group whose answers got lost this often in a row is given up, so that not all of it may end up there twice."""


class Resender:
    """Puts requests one after the other. A group that fails is given up; it holds up no other.

    Args:
        settle: is told, after each answer of the service, which events it took and which it refused.
    """

    def __init__(self, putter: Putter, settle: Settle, dice: random.Random, sleep: Callable[[float], None]) -> None:
        self._putter = putter
        self._settle = settle
        self._dice = dice
        self._sleep = sleep
        self._strikes: dict[str, int] = {}
        self._given_up: set[str] = set()

    def send(self, composer: Composer, events: list[Event]) -> tuple[list[Event], AwsError | None]:
        """Send events that are in order and within the limits of one request.

        Returns:
            What is not settled, and why; no reason where that was said of the group before.
        """
        if composer.group in self._given_up:
            return events, None
        left = events
        for tries in range(1, _TRIES + 1):
            try:
                self._put(composer, left)
            except _Interrupted as exc:
                left, error = exc.left, exc.error
            else:
                self._strikes.pop(composer.group, None)
                return [], None
            if not _is_provably_not_done(error):
                break
            if tries < _TRIES:
                self._sleep(backoff_s(tries, self._dice))
        self._judge(composer.group, error)
        return left, error

    def _judge(self, group: str, error: AwsError) -> None:
        strikes = self._strikes[group] = self._strikes.get(group, 0) + 1
        is_lost_answer = isinstance(error, Unavailable) and error.maybe_done
        if not is_lost_answer or strikes >= _STRIKES:
            self._given_up.add(group)

    def _put(self, composer: Composer, events: list[Event]) -> None:
        """Send once, around what is invalid. Raises _Interrupted."""

        def put(part: list[Event]) -> None:
            refused = self._putter.put(composer.group, composer.stream, composer.request(part).body)
            reasons = [reason_of(index, refused) for index in range(len(part))]
            taken = [event for event, reason in zip(part, reasons, strict=True) if reason is None]
            self._settle(taken, [event for event, reason in zip(part, reasons, strict=True) if reason is not None])

        def give_up(event: Event, _error: Rejected) -> None:
            self._settle([], [event])

        left = events

        def note_rest(rest: Iterable[Event]) -> None:
            nonlocal left
            left = list(rest)

        try:
            try:
                put(events)
            except Rejected as exc:
                if exc.code not in INVALID:
                    raise
                divide(events, put=put, give_up=give_up, note_rest=note_rest, invalid_codes=INVALID)
        except AwsError as exc:
            raise _Interrupted(left, exc) from exc


class _Interrupted(Exception):
    """A request did not come to its end; what is left of it."""

    def __init__(self, left: list[Event], error: AwsError) -> None:
        super().__init__(error.message)
        self.left = left
        self.error = error


def _is_provably_not_done(error: AwsError) -> bool:
    return isinstance(error, Throttled) or (isinstance(error, Unavailable) and not error.maybe_done)
