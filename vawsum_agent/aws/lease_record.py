"""What a lease object says, who may take it, and what the next one says. Pure.

Ages are by S3's clock: the ``Date`` of an answer less its ``Last-Modified``. No host's clock counts.
"""

from __future__ import annotations

import msgspec

FORMAT = 1
CONTENT_TYPE = "application/json"
LARGEST_BYTES = 64 << 10
"""No lease is larger."""

LONGEST_TTL_S = 3600.0
"""Nobody is waited for longer, whatever an object says."""

GRACE_S = 10.0
"""Beyond the time to live: S3 tells whole seconds, and its servers' clocks and a holder's differ a little."""


class LeaseRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The content of a lease object, in JSON.

    Attributes:
        generation: grows with each acquisition and never shrinks: a fence between holders.
        holder: who has it, or had it last.
        nonce: of the acquisition; tells the own from another's where an answer was lost.
        write: counts the writes of the acquisition, so that no two contents are alike: where an ETag is the MD5 of the
            content, an equal content would pass for an unchanged object.
        ttl_s: how long after the last write the holder has it.
        is_released: it was given back.
        slot: the last moment of the schedule that was carried out, seconds since the epoch; None before the first.
        backup_id: of the last backup that was made; empty before the first.
    """

    format: int = FORMAT
    generation: int
    holder: str
    nonce: str
    write: int = 1
    ttl_s: float
    is_released: bool = False
    slot: float | None = None
    backup_id: str = ""


def encode(record: LeaseRecord) -> bytes:
    """Write it as it lies in the bucket."""
    return msgspec.json.encode(record) + b"\n"


def decode(content: bytes) -> LeaseRecord | None:
    """Read it; None for what is no lease, or one of a later agent."""
    try:
        record = msgspec.json.decode(content, type=LeaseRecord)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    is_sound = record.format == FORMAT and record.generation >= 1 and 0 < record.ttl_s <= LONGEST_TTL_S
    return record if is_sound else None


def may_take(record: LeaseRecord | None, age_s: float) -> bool:
    """Whether somebody else may take a lease.

    Args:
        record: None where the object can't be read: whoever wrote it is given the longest time that a lease may live.
        age_s: since it was written last.
    """
    return remaining_s(record, age_s) <= 0


def remaining_s(record: LeaseRecord | None, age_s: float) -> float:
    """Tell when somebody else may take a lease, see `may_take`; 0 for now."""
    if record is not None and record.is_released:
        return 0.0
    ttl_s = LONGEST_TTL_S if record is None else record.ttl_s
    return max(0.0, ttl_s + GRACE_S - age_s)


def next_generation(record: LeaseRecord | None, *, is_there: bool, above: int, now: float) -> int:
    """Give the generation of the next acquisition, which is larger than any before.

    Generations are counted. Where the object can't be read, nobody knows how far they were: then it is the time in
    seconds, which no count of acquisitions reaches, and counting goes on from there. Where the object is missing, it
    counts from what the caller knows of.

    Args:
        record: the last one; None where there is none or it can't be read.
        is_there: whether there is an object.
        above: a generation that was seen elsewhere, such as in the newest manifest.
        now: S3's time, seconds since the epoch.
    """
    if record is not None:
        return max(record.generation, above) + 1
    return max(above + 1, int(now)) if is_there else above + 1
