"""What to do when the key is taken. Pure.

Invariants: an object of somebody else is never written over, nor one that was not looked at; a file counts as uploaded
only where the object holds the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vawsum_agent.aws.objects import ObjectHead


class Kind(StrEnum):
    """What became of a file.

    Attributes:
        MOVED: it is in the bucket, where nothing was before.
        ALREADY_THERE: the bucket has it already, from an attempt that was interrupted, or from another host.
        REWRITTEN: it is in the bucket, in the place of an older version that came from here.
        COLLISION: another picture has its key; nothing was written.
        CHANGED: it changed while it was read; whatever was written does not count, and is met by the next attempt.
    """

    MOVED = "moved"
    ALREADY_THERE = "already-there"
    REWRITTEN = "rewritten"
    COLLISION = "collision"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Verdict:
    """How it goes on.

    Attributes:
        kind: the end of it; None: it is to be sent once more, over the object with that ETag, or where none is.
        etag: of the object that is there; empty without one.
    """

    kind: Kind | None
    etag: str = ""


def judge(there: ObjectHead | None, sha256: str, size_bytes: int, origin: str) -> Verdict:
    """Compare what was to be stored with what is there.

    Args:
        there: the object that has the key now; None where it went meanwhile.
        sha256: of the file, in hexadecimal.
        size_bytes: of the file.
        origin: of the file: this host and this folder.
    """
    if there is None:
        return Verdict(None)
    if (there.sha256, there.size_bytes) == (sha256, size_bytes):
        return Verdict(Kind.ALREADY_THERE, there.etag)
    if there.origin == origin:
        return Verdict(None, there.etag)
    return Verdict(Kind.COLLISION, there.etag)
