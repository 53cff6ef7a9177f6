"""What a fetch tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vawsum_agent.deploy.fetch.seal import Seal


@dataclass(frozen=True, slots=True)
class Fetched:
    """A release that is here.

    Attributes:
        sha256: of its artifact.
        size_bytes: of its files.
        is_new: False where it was here before, and is still what was unpacked.
    """

    release: str
    sha256: str
    files: int
    size_bytes: int
    is_new: bool


def fetched(seal: Seal, *, is_new: bool) -> Fetched:
    """Tell of a release by its seal."""
    files = [entry for entry in seal.entries if entry.kind == "file"]
    return Fetched(seal.release, seal.sha256, len(files), sum(entry.size_bytes for entry in files), is_new)
