"""How much an artifact may unpack to. A checksum says who made it, not that it fits."""

from __future__ import annotations

from dataclasses import dataclass

_GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Limits:
    """Beyond any of these an artifact is refused.

    Attributes:
        unpacked_bytes: of all that comes out of it, headers and padding too.
        file_bytes: of one file.
        members: headers in it, among them those that only describe the next one; and what is made of them, among it
            folders that only the paths of others name.
        ratio: how many times its own size it may unpack to.
        ratio_from_bytes: what unpacks to less than this may have any ratio: source code of zeros is silly, and small.
        path_bytes: of the path of a member, or the target of a link.
        depth: folders in each other.
        description_bytes: of a header that describes the next member (pax(1), GNU tar's long names).
    """

    unpacked_bytes: int = 20 * _GIB
    file_bytes: int = 4 * _GIB
    members: int = 500_000
    ratio: int = 100
    ratio_from_bytes: int = _GIB
    path_bytes: int = 2048
    depth: int = 100
    description_bytes: int = 64 << 10


LIMITS = Limits()
