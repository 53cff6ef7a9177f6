"""How much a test does: small counts in ``make test``, full ones in ``make soak``."""

from __future__ import annotations

import os

IS_SOAK = os.environ.get("VAWSUM_SOAK") == "1"
"""Whether this run is ``make soak``."""


def count(small: int, full: int) -> int:
    """Give ``small`` in ``make test`` and ``full`` in ``make soak``: iterations, lines, kills, seconds."""
    return full if IS_SOAK else small
