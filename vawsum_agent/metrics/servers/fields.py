"""Takes numbers out of what a server said. Pure; never raises, whatever the server said."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

AMBIGUOUS: Final = object()
"""Stands for a value that was given more than once: there is no saying which is true."""

_HIGHEST = 2.0**64
"""No counter of a server goes beyond; each metric has a limit of its own besides."""

_NUMBER = re.compile(r"[0-9]{0,24}\.?[0-9]{1,24}(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)


def number(value: object) -> float | None:
    """Read a number that can be true: finite and not negative. None for everything else, ``True`` included."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        found = float(value) if _NUMBER.fullmatch(value) else math.nan
    elif isinstance(value, int | float):
        found = float(value) if value <= _HIGHEST else math.nan
    else:
        return None
    return found if 0 <= found <= _HIGHEST else None


class Fields:
    """The fields of one answer.

    Attributes:
        left_out: how many of those asked for made no sense, or were not there.
    """

    def __init__(self, values: Mapping[str, object]) -> None:
        self._values = values
        self.left_out = 0

    def take(self, name: str, *, is_optional: bool = False) -> float | None:
        """Read one; None where it is missing or no number, which counts as left out.

        Args:
            name: as the server calls it.
            is_optional: not every version has it, so that its absence means nothing.
        """
        if is_optional and self._values.get(name) is None:
            return None
        found = number(self._values.get(name))
        if found is None:
            self.left_out += 1
        return found

    def take_all(self, names: Mapping[str, str], *, are_optional: bool = False) -> dict[str, float]:
        """Read many: ours → the server's name. Gives those that are numbers, by our names."""
        found = {ours: self.take(theirs, is_optional=are_optional) for ours, theirs in names.items()}
        return {ours: value for ours, value in found.items() if value is not None}


def once(pairs: Iterable[tuple[str, object]]) -> dict[str, object]:
    """Make a mapping in which a name that came more than once has no value."""
    values: dict[str, object] = {}
    for name, value in pairs:
        values[name] = AMBIGUOUS if name in values else value
    return values
