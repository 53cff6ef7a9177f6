"""A lease that is held: renewed, given back, or found to be lost. See `lease`."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Protocol

import msgspec

from vawsum_agent.aws.lease_record import CONTENT_TYPE, LARGEST_BYTES, LeaseRecord, decode, encode
from vawsum_agent.aws.object_errors import Conflict, ObjectExists
from vawsum_agent.core.errors import AwsError, Unavailable

if TYPE_CHECKING:
    from vawsum_agent.aws.backup_bucket import Read
    from vawsum_agent.core.clock import Clock

_ATTEMPTS = 3


class LeaseBucket(Protocol):
    """What is asked of the bucket; see `BackupBucket`."""

    def read(self, key: str, most_bytes: int) -> Read | None:
        """See `BackupBucket.read`."""
        ...

    def put_new(self, key: str, body: bytes, content_type: str) -> str:
        """See `BackupBucket.put_new`."""
        ...

    def put_over(self, key: str, body: bytes, content_type: str, if_match: str) -> str:
        """See `BackupBucket.put_over`."""
        ...


class LeaseLost(AwsError):
    """Somebody else has taken the lease, or it was given back. What it protected must not be published."""


class Held:
    """Threads may call side by side.

    Args:
        bucket: where the object lies.
        key: of the object.
        clock: its monotonic one counts.
        record: as it was written.
        etag: of the object.
        sent_at: on the monotonic clock, before it was sent.
    """

    def __init__(
        self, bucket: LeaseBucket, key: str, clock: Clock, record: LeaseRecord, etag: str, sent_at: float
    ) -> None:
        self._bucket = bucket
        self._key = key
        self._clock = clock
        self._record = record
        self._etag = etag
        self._valid_until = sent_at + record.ttl_s
        self._writes = record.write
        self._is_taken = False
        self._is_ending = False
        self._lock = threading.Lock()

    @property
    def record(self) -> LeaseRecord:
        """As it was written last."""
        return self._record

    @property
    def generation(self) -> int:
        """See `LeaseRecord`."""
        return self._record.generation

    @property
    def is_released(self) -> bool:
        """Whether it was given back, or is being: from the first try on somebody else may have it."""
        return self._is_ending

    @property
    def is_lost(self) -> bool:
        """Whether somebody else may have it by now. One that was only renewed too late may be had again by `renew`."""
        return self._is_taken or self.is_released or self.remaining_s() <= 0

    def remaining_s(self) -> float:
        """Tell for how long nobody else can have it, unless it is renewed; 0 when its time is over."""
        return max(0.0, self._valid_until - self._clock.monotonic())

    def renew(self) -> None:
        """Hold it for another time to live from now on; proves that nobody has taken it.

        Raises:
            LeaseLost: somebody has, or it was given back.
            Unavailable, Throttled, AccessDenied: trying again may help. It is held until its time is over.
        """
        with self._lock:
            if self._is_ending:
                raise self._lost("given back")
            self._store(self._record)

    def release(self, slot: float | None = None, backup_id: str = "") -> None:
        """Give it back; safe to repeat. The object stays, and tells what was done.

        Args:
            slot: the moment of the schedule that was carried out; None leaves what is told.
            backup_id: of the backup that was made; empty leaves what is told.

        Raises:
            LeaseLost: somebody else has taken it.
            AwsError: as `renew`; if it can't be given back, it expires.
        """
        self._is_ending = True
        with self._lock:
            told = self._record
            if told.is_released:
                return
            self._store(
                msgspec.structs.replace(
                    told,
                    is_released=True,
                    slot=told.slot if slot is None else slot,
                    backup_id=backup_id or told.backup_id,
                )
            )

    def _store(self, wanted: LeaseRecord) -> None:
        """Write it over our last write, whether that was seen to be done or not."""
        for attempt in range(_ATTEMPTS):
            if self._is_taken:
                raise self._lost("taken by another host")
            # A number is used once, so that an answer which was lost can be told from an earlier one.
            self._writes += 1
            record = msgspec.structs.replace(wanted, write=self._writes)
            sent_at = self._clock.monotonic()
            try:
                etag = self._bucket.put_over(self._key, encode(record), CONTENT_TYPE, self._etag)
            except (ObjectExists, Unavailable) as error:
                if self._is_done(record, error):
                    self._adopt(record, sent_at)
                    return
                # An earlier write was done that nobody saw: now its ETag is known.
                if isinstance(error, Unavailable) or attempt == _ATTEMPTS - 1:
                    raise
            else:
                self._etag = etag
                self._adopt(record, sent_at)
                return

    def _adopt(self, record: LeaseRecord, sent_at: float) -> None:
        self._record = record
        self._valid_until = sent_at + record.ttl_s

    def _is_done(self, record: LeaseRecord, error: ObjectExists | Unavailable) -> bool:
        """Find out what is there. Raises LeaseLost; the error where S3 does not say."""
        if isinstance(error, Unavailable) and not (error.maybe_done or isinstance(error, Conflict)):
            raise error
        try:
            seen = self._bucket.read(self._key, LARGEST_BYTES)
        except AwsError:
            raise error from None
        told = None if seen is None else decode(seen.body)
        if seen is None or told is None or told.nonce != record.nonce:
            self._is_taken = True
            raise self._lost(
                f"taken by {told.holder}" if told else "gone, or overwritten by what is no lease"
            ) from error
        self._etag = seen.etag
        return told.write == record.write

    def _lost(self, how: str) -> LeaseLost:
        message = f"the lease {self._key} (generation {self.generation}) is {how}"
        return LeaseLost(message, code="LeaseLost", hint="another host makes this backup; nothing was published here")
