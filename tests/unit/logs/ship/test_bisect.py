"""Finding the poison in a refused batch."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vawsum_agent.core.errors import Rejected, Throttled
from vawsum_agent.logs.batch.event import Event
from vawsum_agent.logs.ship.bisect import divide

CODE = "InvalidParameterException"


@given(st.lists(st.booleans(), min_size=1, max_size=60))
def test_only_the_poison_is_left(poisoned: list[bool]) -> None:
    """Everything the service takes is delivered once and in order; each poisoned event is given up once."""
    events = [Event(index, "poison" if bad else "fine", 1) for index, bad in enumerate(poisoned)]
    delivered: list[Event] = []
    given_up: list[Event] = []

    def put(part: list[Event]) -> None:
        if any(event.message == "poison" for event in part):
            raise Rejected("no", code=CODE)
        delivered.extend(part)

    divide(
        events,
        put=put,
        give_up=lambda event, _: given_up.append(event),
        note_rest=lambda _: pytest.fail("nothing is left"),
        invalid_codes={CODE},
    )
    assert delivered == [event for event in events if event.message == "fine"]
    assert given_up == [event for event in events if event.message == "poison"]


def test_an_interruption_keeps_the_rest() -> None:
    """When the service is throttled halfway, exactly what is not delivered is tried again."""
    events = [Event(index, "x", 1) for index in range(8)]
    delivered: list[Event] = []
    rest: list[Event] = []

    def put(part: list[Event]) -> None:
        if len(delivered) == 4:
            raise Throttled("slow down")
        delivered.extend(part)

    with pytest.raises(Throttled):
        divide(events, put=put, give_up=lambda *_: None, note_rest=rest.extend, invalid_codes={CODE})
    assert delivered + rest == events
