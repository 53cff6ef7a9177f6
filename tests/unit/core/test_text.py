"""What others wrote is shown so that it can neither command a terminal nor be taken for something else."""

from __future__ import annotations

import tomllib
from datetime import UTC, date, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vawsum_agent.core.text import printable, toml

SCALARS = (
    st.booleans()
    | st.integers(-(1 << 63), (1 << 63) - 1)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.dates()
    | st.datetimes()
    | st.times()
)


@given(st.text())
def test_nothing_unprintable_is_left(text: str) -> None:
    """Whatever the text is, what is shown of it is printable, and what was printable stays as it was."""
    assert printable(text).isprintable()
    assert printable(text) == text or not text.isprintable()


def test_control_sequences_are_told() -> None:
    """A reader sees that there was one, and which."""
    assert printable("a\x1b[31mred\x00\nb\u202e") == "a\\x1b[31mred\\x00\\nb\\u202e"


@given(SCALARS | st.lists(SCALARS | st.lists(SCALARS, max_size=2), max_size=3))
def test_values_are_written_as_toml(value: object) -> None:
    """What is shown of a value is printable TOML that means the value."""
    written = toml(value)
    assert written.isprintable()
    assert tomllib.loads(f"x = {written}") == {"x": value}


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (True, "true"),
        (["/", "/srv"], '["/", "/srv"]'),
        ("it's", '"it\'s"'),
        (r"^\d+", r"'^\d+'"),
        ("\x1b[2J", '"\\u001b[2J"'),
        (datetime(2026, 1, 2, 3, tzinfo=UTC), "2026-01-02T03:00:00+00:00"),
        (date(2026, 1, 2), "2026-01-02"),
        (time(3, 4), "03:04:00"),
        ([], "[]"),
    ],
)
def test_how_values_look(value: object, written: str) -> None:
    """Short, and as a person writes them."""
    assert toml(value) == written
