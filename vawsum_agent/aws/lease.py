"""A lease in S3: one object, changed by conditional writes alone. Of all hosts one holds it, for a while.

A holder writes it again before its time is over; one that crashed does not, and whoever finds it too old takes it.
Every write names the ETag of what it replaces, so of two only one succeeds. Nothing is ever deleted: the object that
was given back tells the next host what was done. What a holder does elsewhere S3 does not stop. So one that lost the
lease without noticing is fenced off by what it writes: under a name of its own, with its generation, after one more
`Held.renew`.

A holder counts its time on its own monotonic clock, from before it sent the write; others by S3's, and wait longer.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vawsum_agent.aws.held import Held, LeaseLost
from vawsum_agent.aws.lease_record import (
    CONTENT_TYPE,
    LARGEST_BYTES,
    LeaseRecord,
    decode,
    encode,
    may_take,
    next_generation,
    remaining_s,
)
from vawsum_agent.aws.object_errors import Conflict, ObjectExists
from vawsum_agent.core.errors import AwsError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from vawsum_agent.aws.backup_bucket import Read
    from vawsum_agent.aws.held import LeaseBucket
    from vawsum_agent.core.clock import Clock

__all__ = ["Held", "HeldElsewhere", "Lease", "LeaseLost", "LeaseRecord"]

_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class HeldElsewhere:
    """Somebody else has it.

    Attributes:
        holder: who; empty where the object does not say.
        remaining_s: until it may be taken, unless it is renewed; 0 where it is being taken this moment.
        record: as it was read; None where it can't be.
    """

    holder: str
    remaining_s: float
    record: LeaseRecord | None


class Lease:
    """One lease. One thread acquires; what it gives may be used by others.

    Args:
        bucket: where the object lies.
        key: of the object.
        clock: its monotonic one measures how long a lease is held.
        nonce: makes a text that nobody else makes.
    """

    def __init__(
        self, bucket: LeaseBucket, key: str, clock: Clock, nonce: Callable[[], str] = lambda: secrets.token_hex(16)
    ) -> None:
        self._bucket = bucket
        self._key = key
        self._clock = clock
        self._nonce = nonce
        self._ghosts: set[str] = set()

    def peek(self) -> LeaseRecord | None:
        """Tell what is there; None where nothing is, or nothing that can be read. Raises AwsError."""
        seen = self._bucket.read(self._key, LARGEST_BYTES)
        return None if seen is None else decode(seen.body)

    def acquire(
        self, holder: str, ttl_s: float, *, heir_of: Collection[str] = (), above: int = 0
    ) -> Held | HeldElsewhere:
        """Take it, if nobody has it.

        Args:
            holder: who takes it, for others to see.
            ttl_s: how long it is held without being renewed, at most `LONGEST_TTL_S`. Others wait `GRACE_S` more.
            heir_of: nonces of acquisitions whose processes are known to be dead: their lease is taken at once.
            above: a generation that was seen elsewhere; the next one is larger. Matters where the object is missing.

        Raises:
            Unavailable, Throttled, AccessDenied: trying again may help. Where the write was done after all, trying
                again with this same `Lease` finds that.
            NotFound: there is no such bucket.
            Rejected: the object is no lease: far too large.
        """
        for _ in range(_ATTEMPTS):
            seen = self._bucket.read(self._key, LARGEST_BYTES)
            last = None if seen is None else decode(seen.body)
            if seen is not None and not self._is_free(seen, last, heir_of):
                return HeldElsewhere(last.holder if last else "", _remaining_s(seen, last), last)
            record = LeaseRecord(
                generation=next_generation(
                    last, is_there=seen is not None, above=above, now=seen.answered_at if seen else 0.0
                ),
                holder=holder,
                nonce=self._nonce(),
                ttl_s=ttl_s,
                slot=last.slot if last else None,
                backup_id=last.backup_id if last else "",
            )
            sent_at = self._clock.monotonic()
            etag = self._write(record, seen)
            # If we die here, the lease is ours and nobody's: it may be taken when its time is over.
            if etag:
                return Held(self._bucket, self._key, self._clock, record, etag, sent_at)
        return HeldElsewhere("", 0.0, last)

    def _is_free(self, seen: Read, last: LeaseRecord | None, heir_of: Collection[str]) -> bool:
        if last is not None and last.nonce and last.nonce in self._ghosts.union(heir_of):
            return True
        return may_take(last, _age_s(seen))

    def _write(self, record: LeaseRecord, seen: Read | None) -> str:
        """Write it over what was seen; gives its ETag, or nothing when somebody else was faster. Raises AwsError."""
        body = encode(record)
        try:
            if seen is None:
                return self._bucket.put_new(self._key, body, CONTENT_TYPE)
            return self._bucket.put_over(self._key, body, CONTENT_TYPE, seen.etag)
        except (ObjectExists, Conflict):
            return ""
        except Unavailable as error:
            if not error.maybe_done:
                raise
            return self._etag_if_done(record, error)

    def _etag_if_done(self, record: LeaseRecord, error: Unavailable) -> str:
        # From here on the write may be done, and even come to be done later: then nobody holds what is there, and this
        # object knows that it was its own.
        self._ghosts.add(record.nonce)
        try:
            seen = self._bucket.read(self._key, LARGEST_BYTES)
        except AwsError:
            raise error from None
        if seen is None or decode(seen.body) != record:
            raise error
        self._ghosts.discard(record.nonce)
        return seen.etag


def _age_s(seen: Read) -> float:
    return seen.answered_at - seen.modified_at


def _remaining_s(seen: Read, last: LeaseRecord | None) -> float:
    return remaining_s(last, _age_s(seen))
