"""What is known of the files that become a release, before they do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vawsum_agent.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

WITHOUT_COMMIT = 315_532_800
"""1980-01-01: the time of files that no commit gives one; the first that every archive's format can hold."""


@dataclass(frozen=True, slots=True)
class WorkCopy:
    """A folder that becomes a release.

    Attributes:
        folder: absolute and without links.
        commit: the whole id of the commit that it holds; empty where git knows of none.
        committed_at: when that was made, in seconds since the epoch.
        is_modified: whether its files differ from the commit's, but for those that git was told to ignore.
    """

    folder: Path
    commit: str = ""
    committed_at: int = 0
    is_modified: bool = False


def time_of(copy: WorkCopy, environ: Mapping[str, str]) -> int:
    """Give the time of all files in the archive: the commit's, else SOURCE_DATE_EPOCH, else one that never changes.

    Raises:
        UsageError: SOURCE_DATE_EPOCH is needed, and no time.
    """
    if copy.commit:
        return copy.committed_at
    told = environ.get("SOURCE_DATE_EPOCH", "")
    if not told:
        return WITHOUT_COMMIT
    if not (told.isascii() and told.isdigit()):
        message = "SOURCE_DATE_EPOCH is no time"
        raise UsageError(message, hint="seconds since 1970, such as 1764411300")
    return int(told)
