"""When in its interval a host publishes, so that a thousand hosts do not call in the same second. Pure."""

from __future__ import annotations

import hashlib

SPREAD_S = 50.0
"""Over how much of a minute hosts are spread; what is left is for the request itself, before the next one is due."""


def phase_s(instance_id: str) -> float:
    """Tell how long after the end of a period this host publishes: the same all its life, unlike its neighbours'."""
    digest = hashlib.sha256(instance_id.encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64 * SPREAD_S
