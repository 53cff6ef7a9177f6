"""What counts as a number, and what is left out."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.metrics.servers.pages import NONSENSE
from vawsum_agent.metrics.servers.fields import AMBIGUOUS, Fields, number, once

anything = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.binary(),
    st.lists(st.integers()),
    st.just(10**400),
)


@pytest.mark.parametrize(
    ("text", "expected"), [("0", 0), ("12", 12), (".5", 0.5), ("1.2e+06", 1.2e6), (7, 7), (0.25, 0.25)]
)
def test_numbers_are_read(text: object, expected: float) -> None:
    """Numbers are read as servers write them: whole, with a point first, with an exponent, as JSON has them."""
    assert number(text) == expected


@pytest.mark.parametrize("text", [*NONSENSE, math.nan, math.inf, -1, -0.1, 10**400, True, None, [], AMBIGUOUS])
def test_nonsense_is_no_number(text: object) -> None:
    """NaN, infinity, negatives, absurd sizes, text, what Python alone reads as a number: none is a value."""
    assert number(text) is None


@given(anything)
def test_a_number_can_be_true(value: object) -> None:
    """Whatever a server says, what is taken is finite and not negative."""
    found = number(value)
    assert found is None or (math.isfinite(found) and found >= 0)


def test_what_makes_no_sense_is_counted() -> None:
    """A missing field, a nonsensical one and one given twice each count; an optional one that is missing does not."""
    fields = Fields(once([("a", "1"), ("b", "x"), ("c", "1"), ("c", "2")]))
    assert fields.take_all({"A": "a", "B": "b", "C": "c", "D": "d"}) == {"A": 1.0}
    assert fields.take("e", is_optional=True) is None
    assert fields.left_out == 3
