"""Who may make the next backup of some data: whoever holds its lease in S3, of all hosts that hold the same data."""

from __future__ import annotations

import secrets
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import structlog

from vawsum_agent.aws.lease import HeldElsewhere, Lease
from vawsum_agent.aws.lease_renewer import Renewer
from vawsum_agent.backup.names import LEASE
from vawsum_agent.core.durable import write_durably
from vawsum_agent.core.errors import AwsError, BusyError, StateError
from vawsum_agent.core.text import printable
from vawsum_agent.core.units import format_duration

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from vawsum_agent.aws.held import Held, LeaseBucket
    from vawsum_agent.core.clock import Clock

_log = structlog.get_logger()

TTL_S = 120.0
"""A host that died keeps the others from making the backup for so long, and S3 may be away for so long at least."""

_MOST_NONCES = 20
"""Runs that were killed one after the other, each before S3 had its lease: which of them is there nobody knows."""


class LeasedTenure:
    """The right while it is held.

    Args:
        held: the lease.
        lost: set when somebody else has taken it. That it could not be renewed in time alone ends nothing: a backup
            goes on through an outage of S3, and before it is published `confirm` tells.
    """

    def __init__(self, held: Held, lost: threading.Event) -> None:
        self._held = held
        self._lost = lost
        self.done: tuple[float | None, str] = (None, "")

    @property
    def generation(self) -> int:
        """Grows with every holder."""
        return self._held.generation

    @property
    def is_lost(self) -> bool:
        """Whether another host has it."""
        return self._lost.is_set()

    def confirm(self) -> None:
        """Make sure that it is still ours. Raises LeaseLost, AwsError."""
        self._held.renew()

    def note(self, slot: float | None, backup_id: str) -> None:
        """Say what was done under it, when it is given back."""
        self.done = (slot, backup_id)


class LeasedRight:
    """The right to make backups of one server.

    Args:
        bucket: where the lease lies.
        prefix: of the backups.
        server: the name of the data.
        holder: this instance.
        notes: a folder of this host; only one job at a time uses it.
        clock: measures the lease.
        ttl_s: how long it is held without being renewed.
    """

    def __init__(
        self,
        bucket: LeaseBucket,
        prefix: str,
        server: str,
        holder: str,
        notes: Path,
        clock: Clock,
        ttl_s: float = TTL_S,
    ) -> None:
        self._lease = Lease(bucket, f"{prefix}{server}/{LEASE}", clock, self._noted_nonce)
        self._server = server
        self._holder = holder
        self._notes = notes / "lease"
        self._ttl_s = ttl_s

    def done(self) -> tuple[float | None, str]:
        """See `publish.run.Right.done`."""
        record = self._lease.peek()
        return (None, "") if record is None else (record.slot, record.backup_id)

    @contextmanager
    def held(self, above: int = 0) -> Iterator[LeasedTenure]:
        """Hold it, and renew it meanwhile.

        Args:
            above: a generation that was seen in a manifest.

        Raises:
            BusyError: another host has it.
            AwsError: S3 refuses, or does not answer.
            StateError: it can't be noted on this host.
        """
        got = self._lease.acquire(self._holder, self._ttl_s, heir_of=self._own_nonces(), above=above)
        if isinstance(got, HeldElsewhere):
            who = printable(got.holder) or "another host"
            left = f"; unless it goes on, its right ends in {format_duration(max(1.0, round(got.remaining_s)))}"
            message = f"{who} makes a backup of {self._server}"
            raise BusyError(message, hint=f"wait for it{left}")
        lost = threading.Event()
        tenure = LeasedTenure(got, lost)
        try:
            with Renewer(got, lost.set):
                yield tenure
        finally:
            try:
                got.release(*tenure.done)
            except AwsError as exc:
                # It expires by itself. What was done is told by the manifest.
                _log.warning("lease_not_released", error=exc.message)

    def _noted_nonce(self) -> str:
        """Make the mark by which an acquisition is known, and note it before it is sent.

        If we die after that, the next job on this host, which has the lock that we had, knows the lease for ours, and
        that nobody has it any more. Another host waits until it has expired.
        """
        nonce = secrets.token_hex(16)
        noted = [*self._own_nonces(), nonce][-_MOST_NONCES:]
        try:
            self._notes.parent.mkdir(parents=True, exist_ok=True)
            write_durably(self._notes, "\n".join(noted).encode())
        except OSError as exc:
            message = f"{self._notes} can't be written: {exc.strerror}"
            raise StateError(message, hint="free some space, or see who owns it") from exc
        return nonce

    def _own_nonces(self) -> list[str]:
        try:
            return self._notes.read_bytes().decode("ascii").split()
        except (OSError, UnicodeDecodeError):
            return []
