"""What an artifact is refused for: a release that can't be unpacked here, today or ever."""

from __future__ import annotations

from vawsum_agent.core.errors import DeployError
from vawsum_agent.core.text import printable

_SHOWN = 200


class Refused(DeployError):
    """An artifact is not one that may be unpacked. Trying again does not help."""


def member_refused(name: str, reason: str) -> Refused:
    """Name the member, however strange its name is."""
    shown = printable(name.encode("utf-8", "backslashreplace").decode("utf-8"))
    if len(shown) > _SHOWN:
        shown = f"{shown[:_SHOWN]}..."
    return Refused(f"its member '{shown}' {reason}")
