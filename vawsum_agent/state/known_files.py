"""Files that stay where they are, remembered so that they are not looked at, or sent, again and again.

Names and fingerprints are kept as keyed digests of 64 bits: 20 bytes a file, however long its path, and nobody who
chooses names can make two of them meet. Should it happen all the same, a file stays a while longer; nothing is lost.
"""

from __future__ import annotations

import secrets
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

from vawsum_agent.state.store import add_to_counter

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping

    from vawsum_agent.state.store import Store

_SALT_BYTES = 16


class Known(NamedTuple):
    """What is remembered of one file.

    Attributes:
        folder: which one, and where it goes: whatever makes it another task when it changes.
        path: relative to it.
        fingerprint: of the file as it was; of another one nothing is known.
        verdict: why it stays; empty for one that was copied.
        until: seconds since the epoch; afterwards it is forgotten.
    """

    folder: str
    path: bytes
    fingerprint: bytes
    verdict: str
    until: float


class KnownFiles:
    """The rows. Every method is one transaction and raises StateError when it did not happen."""

    def __init__(self, store: Store) -> None:
        self._store = store
        rows = store.read("SELECT salt FROM known_file_salt")
        # Written once only: a start on a full disk has nothing to write.
        self._salt = bytes(rows[0]["salt"]) if rows else store.write(_salt)

    def verdict(self, folder: str, path: bytes, fingerprint: bytes) -> str | None:
        """Say why a file stays; None when it is not known, or not as it is now."""
        rows = self._store.read(
            "SELECT fingerprint, verdict FROM known_file WHERE file_key = ?", (self._key(folder, path),)
        )
        if not rows or rows[0]["fingerprint"] != self._digest(fingerprint):
            return None
        return str(rows[0]["verdict"])

    def has_any(self) -> bool:
        """Whether asking is worth it at all."""
        return bool(self._store.read("SELECT 1 FROM known_file LIMIT 1"))

    def remember(self, files: Iterable[Known], counts: Mapping[str, int] | None = None) -> None:
        """Note files, or note them anew; together with it, add to counters that live across restarts."""
        rows = [
            (self._key(known.folder, known.path), self._digest(known.fingerprint), known.verdict, known.until)
            for known in files
        ]
        added = {name: by for name, by in (counts or {}).items() if by}

        def change(db: sqlite3.Connection) -> None:
            db.executemany("INSERT OR REPLACE INTO known_file VALUES (?, ?, ?, ?)", rows)
            for name, by in added.items():
                add_to_counter(db, name, by)

        if rows or added:
            self._store.write(change)

    def counter(self, name: str) -> int:
        """Read such a counter."""
        return self._store.counter(name)

    def forget_old(self, now: float) -> None:
        """Forget what was remembered for long enough."""
        if self._store.read("SELECT 1 FROM known_file WHERE known_until < ? LIMIT 1", (now,)):
            self._store.write(lambda db: db.execute("DELETE FROM known_file WHERE known_until < ?", (now,)))

    def _key(self, folder: str, path: bytes) -> int:
        return self._digest(folder.encode() + b"\0" + path)

    def _digest(self, content: bytes) -> int:
        return int.from_bytes(blake2b(content, digest_size=8, key=self._salt).digest(), "big", signed=True)


def _salt(db: sqlite3.Connection) -> bytes:
    db.execute("INSERT OR IGNORE INTO known_file_salt VALUES (1, ?)", (secrets.token_bytes(_SALT_BYTES),))
    (salt,) = db.execute("SELECT salt FROM known_file_salt").fetchone()
    return bytes(salt)
