"""How many messages go out, and that none is lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vawsum_agent.alerts.pace import AT_REST, BURST, MOST_HELD, Letter, admit


def letters(first: int, count: int) -> list[Letter]:
    """Give so many, numbered."""
    return [Letter(float(number), f"s{number}", "b", "g") for number in range(first, first + count)]


def test_a_burst_goes_and_the_rest_is_told_together() -> None:
    """Ten go at once; what comes on top is held for a minute and told in one."""
    pace, admitted = admit(AT_REST, letters(0, BURST + 5), 15.0)
    assert (len(admitted.letters), admitted.together) == (BURST, ())
    pace, admitted = admit(pace, letters(20, 1), 30.0)
    assert admitted == ((), (), 0)
    pace, admitted = admit(pace, [], 30.0)
    assert [letter.subject for letter in admitted.together] == ["s10", "s11", "s12", "s13", "s14", "s20"]
    assert pace.held == ()


def test_one_alone_is_no_summary() -> None:
    """A single one that was held goes out as it is."""
    pace, _ = admit(AT_REST, letters(0, BURST + 1), 0.0)
    _, admitted = admit(pace, [], 60.0)
    assert admitted == (tuple(letters(BURST, 1)), (), 0)


def test_one_a_minute_after_the_burst() -> None:
    """However much comes, an hour lets a burst and one a minute through."""
    pace, sent = AT_REST, 0
    for number in range(240):
        pace, admitted = admit(pace, letters(number * 10, 10), 15.0)
        sent += len(admitted.letters) + bool(admitted.together)
    assert sent <= BURST + 60


def test_at_rest_again() -> None:
    """Ten quiet minutes later there is nothing to remember."""
    pace, _ = admit(AT_REST, letters(0, BURST), 0.0)
    assert pace != AT_REST
    assert admit(pace, [], 600.0)[0] == AT_REST


@given(st.lists(st.tuples(st.integers(0, 150), st.floats(0, 300)), max_size=30))
def test_none_is_lost(turns: list[tuple[int, float]]) -> None:
    """What goes in comes out once, in its order, or is counted; what waits is bounded."""
    pace, given_in = AT_REST, 0
    out: list[str] = []
    counted = 0
    for count, step_s in turns:
        pace, admitted = admit(pace, letters(given_in, count), step_s)
        given_in += count
        out += [letter.subject for letter in (*admitted.letters, *admitted.together)]
        counted += admitted.left_out
        assert len(pace.held) <= MOST_HELD
        assert 0.0 <= pace.allowed <= BURST
    waiting = [letter.subject for letter in pace.held]
    assert len(out) + counted + len(waiting) + pace.left_out == given_in
    numbers = [int(subject[1:]) for subject in out + waiting]
    assert numbers == sorted(set(numbers))
