"""When a file that was moved away is over: nobody will add to it any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.logs.follow.release import is_released

if TYPE_CHECKING:
    import os

QUIET_S = 5.0
"""A moved file that nobody has open for writing is over when it was quiet for so long."""
QUIET_UNKNOWN_S = 300.0
"""The same where the kernel won't tell whether anybody has it open."""


def is_over(descriptor: int, status: os.stat_result, quiet_s: float) -> bool:
    """Decide about a plain file that has no live path any more and was not added to for ``quiet_s``."""
    released = is_released(descriptor)
    if released is None:
        return quiet_s >= QUIET_UNKNOWN_S
    # Without a name and without a writer, nobody can ever open it again.
    return released and (quiet_s >= QUIET_S or status.st_nlink == 0)
