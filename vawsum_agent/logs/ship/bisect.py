"""Finds the poison in a refused batch by halving. Pure but for the calls it is given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.core.errors import AwsError, Rejected

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from vawsum_agent.logs.batch.event import Event


def divide(
    events: list[Event],
    *,
    put: Callable[[list[Event]], None],
    give_up: Callable[[Event, Rejected], None],
    note_rest: Callable[[Iterable[Event]], None],
    invalid_codes: Collection[str],
) -> None:
    """Deliver all events but those that the service refuses even alone, in their order.

    Args:
        events: of one refused request.
        put: sends some of them; raises Rejected when they hold poison.
        give_up: is told of each poisoned event.
        note_rest: is told what is left to deliver when an attempt ends early.
        invalid_codes: the codes of Rejected that speak of the events.

    Raises:
        AwsError: what ended the attempt early, after `note_rest` was told.
    """
    middle = len(events) // 2
    parts = [events[middle:], events[:middle]] if middle else [events]
    while parts:
        part = parts.pop()
        try:
            put(part)
        except Rejected as exc:
            if exc.code not in invalid_codes:
                note_rest(event for rest in (part, *reversed(parts)) for event in rest)
                raise
            if len(part) == 1:
                give_up(part[0], exc)
                continue
            middle = len(part) // 2
            parts += (part[middle:], part[:middle])
        except AwsError:
            note_rest(event for rest in (part, *reversed(parts)) for event in rest)
            raise
