"""What the configuration accepts, the formats accept: else the daemon would start and fail later."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vawsum_agent.config.rules import REGEX, STRPTIME_FORMAT
from vawsum_agent.logs.formats.plain import compile_start
from vawsum_agent.logs.formats.strptime import TimestampFormat

if TYPE_CHECKING:
    from collections.abc import Callable

PIECES = st.sampled_from([f"%{letter}" for letter in "YymbdjHIpMSfzZsa%BhAeFTRDcQxX "] + ["-", " ", ":", "/", "é", "%"])


def is_accepted(make: Callable[[str], object], text: str) -> bool:
    """Whether the formats take it."""
    with contextlib.suppress(ValueError):
        make(text)
        return True
    return False


@given(st.lists(PIECES, min_size=1, max_size=7).map("".join))
@settings(max_examples=2000, deadline=None)
def test_timestamp_formats(text: str) -> None:
    """A timestamp_format is refused exactly when nothing could be read by it."""
    assert (STRPTIME_FORMAT.check(text) is None) == is_accepted(TimestampFormat, text), text


@pytest.mark.parametrize("text", ["%s", "%F %T", "%d/%b/%Y:%H:%M:%S %z", "%b %e %R", "%Y %j %I %p", "%F %T.%f %Z"])
def test_usual_timestamp_formats(text: str) -> None:
    """The usual ones are taken."""
    assert STRPTIME_FORMAT.check(text) is None


@pytest.mark.filterwarnings("ignore::FutureWarning")  # of sets inside sets, which these patterns are full of
@given(st.text(st.sampled_from("(?:=!<>)[]{}*+|^$.\\ab1Lux#i-, é"), max_size=12))
@settings(max_examples=2000, deadline=None)
def test_regular_expressions(pattern: str) -> None:
    """A multiline_start that is accepted can be compiled into the pattern that finds entries."""
    if pattern and REGEX.check(pattern) is None:
        assert is_accepted(compile_start, pattern), pattern
