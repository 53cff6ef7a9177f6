"""Where the bytes of a generation are."""

from __future__ import annotations

from enum import Enum, auto


class Place(Enum):
    """See the module."""

    LIVE = auto()
    """In the file of the live path."""
    MOVED = auto()
    """In a file that had the live path once, or in a copy, plain or compressed, of what had it."""
    SEARCHED = auto()
    """Not known: the file was truncated, or is not where it was when the agent stopped."""
    LOST = auto()
    """Nowhere any more."""
