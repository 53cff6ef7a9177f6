"""A bucket of one object with S3's rules and its clock, on a line that loses requests and answers and holds them up."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Literal

from vawsum_agent.aws.backup_bucket import Read
from vawsum_agent.aws.object_errors import Conflict, ObjectExists
from vawsum_agent.core.errors import Throttled, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

Fault = Literal["throttled", "conflict", "refused", "lost", "answer lost", "late", "read fails"]


class Time:
    """The true time, which everybody else's clock derives from."""

    def __init__(self) -> None:
        self.s = 1_000.25


class HostClock:
    """A host's clock, which is wrong and runs at a rate of its own."""

    def __init__(self, time: Time, rate: float = 1.0, wrong_s: float = 0.0) -> None:
        self._time = time
        self._rate = rate
        self._wrong_s = wrong_s

    def now(self) -> float:
        """Give a wall time that nobody should rely on."""
        return self._time.s + self._wrong_s

    def monotonic(self) -> float:
        """Give the time since an instant of its own."""
        return self._time.s * self._rate - self._wrong_s


class OneObject:
    """The object and what happens to requests for it.

    Attributes:
        faults: of the next requests, one each, the first first.
        before_write: called before the next write is carried out, once each: what others do in between.
        late: writes that never were answered and may be carried out any time.
    """

    def __init__(self, time: Time) -> None:
        self._time = time
        self.body: bytes | None = None
        self.modified_at = 0.0
        self.faults: list[Fault] = []
        self.before_write: list[Callable[[], object]] = []
        self.late: list[Callable[[], object]] = []

    @property
    def etag(self) -> str:
        """The MD5 of the content, as of an object without a key."""
        return hashlib.md5(self.body or b"", usedforsecurity=False).hexdigest()

    def read(self, key: str, most_bytes: int) -> Read | None:
        """See `BackupBucket.read`."""
        del key, most_bytes
        if self.faults and self.faults[0] == "read fails":
            self.faults.pop(0)
            raise Unavailable("read")
        if self.body is None:
            return None
        return Read(self.body, self.etag, self.modified_at, float(int(self._time.s)))

    def put_new(self, key: str, body: bytes, content_type: str) -> str:
        """See `BackupBucket.put_new`."""
        del key, content_type
        return self._put(body, "")

    def put_over(self, key: str, body: bytes, content_type: str, if_match: str) -> str:
        """See `BackupBucket.put_over`."""
        del key, content_type
        return self._put(body, if_match)

    def _put(self, body: bytes, if_match: str) -> str:
        fault = self.faults.pop(0) if self.faults else None
        while self.before_write:
            self.before_write.pop(0)()
        if fault == "throttled":
            raise Throttled("slow down")
        if fault == "conflict":
            raise Conflict("conflict", maybe_done=False)
        if fault == "refused":
            raise Unavailable("refused", maybe_done=False)
        if fault == "late":
            self.late.append(lambda: self._carry_out(body, if_match))
        if fault == "answer lost":
            self._carry_out(body, if_match)
        if fault in {"lost", "late", "answer lost"}:
            raise Unavailable("no answer")
        return self._carry_out(body, if_match)

    def _carry_out(self, body: bytes, if_match: str) -> str:
        if if_match and self.body is None:
            raise Conflict("gone", code="NoSuchKey", maybe_done=False)
        if (self.etag if self.body is not None else "") != if_match:
            raise ObjectExists("another one is there")
        self.body = body
        self.modified_at = float(int(self._time.s))
        return self.etag
