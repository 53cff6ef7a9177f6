"""How the objects of a release are named, and what makes a release exist. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from vawsum_agent.deploy.fetch.inflate import PACKINGS
from vawsum_agent.deploy.fetch.wanted import checksum_name
from vawsum_agent.deploy.release_id import is_release_id

if TYPE_CHECKING:
    from collections.abc import Iterable

_PACKING = ".tar.zst"
_COMMIT_DIGITS = 12
_MODIFIED = "dirty"


def release_id(at: float, commit: str, *, is_modified: bool = False) -> str:
    """Name a release.

    Args:
        at: when it was made, in seconds since the epoch.
        commit: in hex, or whatever digest the content has instead; its first twelve digits are used.
        is_modified: whether the files are not those of the commit, which the name then says as git does.
    """
    stamp = datetime.fromtimestamp(at, UTC).strftime("%Y%m%dT%H%M%SZ")
    return f"{stamp}-{commit[:_COMMIT_DIGITS]}{_MODIFIED if is_modified else ''}"


def artifact_name(release: str) -> str:
    """Name the archive of a release that is published."""
    return release + _PACKING


def checksum_text(sha256: str, artifact: str) -> str:
    """Write a checksum as sha256sum(1) does, which checks it with ``-c``."""
    return f"{sha256}  {artifact}\n"


def published(names: Iterable[str]) -> list[str]:
    """Find the releases that exist, the oldest first.

    Args:
        names: of all objects in the folder of an application.
    """
    present = set(names)
    releases = {name.partition(".")[0] for name in present}
    return sorted(
        release
        for release in releases
        if is_release_id(release)
        and checksum_name(release) in present
        and any(release + suffix in present for suffix in PACKINGS)
    )
