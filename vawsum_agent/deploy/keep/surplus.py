"""Which releases of a host are too many. Pure.

Only what served healthy is worth keeping: a row of failed deploys must not push out the last good release, and a
release that failed is no place to go back to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable


def surplus(
    releases_present: Collection[str],
    served_healthy_newest_first: Iterable[str],
    current: str | None,
    previous: str | None,
    keep: int,
) -> list[str]:
    """Say which releases are to be removed.

    Args:
        releases_present: on this host.
        served_healthy_newest_first: the releases of the deploys that ended well, the latest first; one may be there
            several times, and some may be gone.
        current: the one that is served; stays.
        previous: the one that a rollback would go to; stays.
        keep: how many that served healthy stay, those two among them.

    Returns:
        Names, the oldest first.
    """
    healthy = [release for release in dict.fromkeys(served_healthy_newest_first) if release in releases_present]
    staying = {current, previous, *healthy[: max(0, keep)]}
    return sorted(release for release in set(releases_present) if release not in staying)
