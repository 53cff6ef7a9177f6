"""The byte ledger: read = accepted + dropped (by reason) + pending, for each file, in bytes of the file.

``accepted`` and ``dropped`` come from the store and go on across restarts; ``pending`` is what this process has read
and not settled. ``read`` is their sum by definition, so the equation can't fail; what is checked is that pending
returns to zero and accepted to the size of the file.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vawsum_agent.logs.follow.names import escape_path

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vawsum_agent.state.log_records import FileRecord


@dataclass(slots=True)
class Account:
    """The row of one file."""

    path: str
    source: str
    accepted_bytes: int = 0
    dropped_bytes: dict[str, int] = field(default_factory=dict)
    pending_bytes: int = 0
    unread_bytes: int = 0
    oldest_pending_at: float | None = None

    def row(self, now: float) -> dict[str, object]:
        """Show it as ``status --json`` does."""
        dropped = sum(self.dropped_bytes.values())
        oldest_s = 0.0 if self.oldest_pending_at is None else max(0.0, now - self.oldest_pending_at)
        return {
            "path": self.path,
            "source": self.source,
            "read_bytes": self.accepted_bytes + dropped + self.pending_bytes,
            "accepted_bytes": self.accepted_bytes,
            "dropped_bytes": dropped,
            "dropped_by_reason": dict(self.dropped_bytes),
            "pending_bytes": self.pending_bytes,
            "unread_bytes": self.unread_bytes,
            "oldest_pending_s": round(oldest_s, 3),
        }


class Ledger:
    """All rows. Written by reader and senders, read by ``status``.

    Attributes:
        dropped_bytes: of all files there ever were, those long gone included; it only grows, also across restarts.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._accounts: dict[int, Account] = {}
        self.dropped_bytes = 0

    def begin(self, folded_dropped_bytes: int) -> None:
        """Begin with what was dropped of files that have no row any more."""
        with self._lock:
            self.dropped_bytes += folded_dropped_bytes

    def open(self, record: FileRecord) -> None:
        """Begin with what the store knows of a file; a file that has a row keeps it."""
        with self._lock:
            if record.file_id in self._accounts:
                return
            path, dropped = escape_path(record.path), dict(record.dropped_bytes)
            self._accounts[record.file_id] = Account(path, record.source, record.accepted_bytes, dropped)
            self.dropped_bytes += sum(dropped.values())

    def close(self, file_id: int) -> None:
        """Forget a file whose row the store has folded."""
        with self._lock:
            self._accounts.pop(file_id, None)

    def read(self, file_id: int, length: int) -> None:
        """Bytes were read from the file (a negative count: they were given back, to be read again)."""
        with self._lock:
            self._accounts[file_id].pending_bytes += length

    def settle(self, file_id: int, accepted_bytes: int, dropped: Mapping[str, int]) -> None:
        """Bytes that were pending got their final answer."""
        with self._lock:
            account = self._accounts[file_id]
            account.accepted_bytes += accepted_bytes
            for reason, length in dropped.items():
                account.dropped_bytes[reason] = account.dropped_bytes.get(reason, 0) + length
            account.pending_bytes -= accepted_bytes + sum(dropped.values())
            self.dropped_bytes += sum(dropped.values())

    def lose(self, file_id: int, reason: str, length: int) -> None:
        """Bytes were gone before anybody read them."""
        with self._lock:
            account = self._accounts[file_id]
            account.dropped_bytes[reason] = account.dropped_bytes.get(reason, 0) + length
            self.dropped_bytes += length

    def waiting(self, file_id: int, unread_bytes: int, oldest_pending_at: float | None) -> None:
        """Note what of the file waits, unread or unsettled, and since when."""
        with self._lock:
            account = self._accounts[file_id]
            account.unread_bytes = unread_bytes
            account.oldest_pending_at = oldest_pending_at

    def ended(self, file_id: int) -> None:
        """Nothing of the file waits any more; a row that was closed already stays closed."""
        with self._lock:
            account = self._accounts.get(file_id)
            if account is not None:
                account.unread_bytes, account.oldest_pending_at = 0, None

    def rows(self, now: float) -> list[dict[str, object]]:
        """Show all rows."""
        with self._lock:
            return [account.row(now) for account in self._accounts.values()]

    def totals(self) -> tuple[int, int, float | None]:
        """Sum up (pending bytes, unread bytes, when the oldest of them was noticed)."""
        with self._lock:
            accounts = self._accounts.values()
            oldest = [account.oldest_pending_at for account in accounts if account.oldest_pending_at is not None]
            return (
                sum(account.pending_bytes for account in accounts),
                sum(account.unread_bytes for account in accounts),
                min(oldest, default=None),
            )
