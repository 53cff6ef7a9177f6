"""What a lane remembers of files that stay, so that it does not look at, or send, them again with every scan."""

from __future__ import annotations

import struct
from dataclasses import asdict, fields
from hashlib import blake2b
from typing import TYPE_CHECKING

from vawsum_agent.images.move.account import Totals
from vawsum_agent.images.reasons import Reason
from vawsum_agent.state.known_files import Known

if TYPE_CHECKING:
    from vawsum_agent.config.model import ImagesFolder
    from vawsum_agent.images.fingerprint import Fingerprint
    from vawsum_agent.images.move.mover import Moved
    from vawsum_agent.state.known_files import KnownFiles

_DAY_S = 86_400.0
_KEPT_FOR_S = {
    None: 30 * _DAY_S,
    Reason.COLLISION: 3_600.0,
    Reason.REFUSED_BY_S3: 600.0,
    Reason.PHP_CODE: _DAY_S,
    Reason.NOT_AN_IMAGE: _DAY_S,
    Reason.EXTENSION_MISMATCH: _DAY_S,
    Reason.UNREADABLE: 600.0,
    Reason.IN_USE: 600.0,
    Reason.NOT_REMOVABLE: 3_600.0,
}
"""How long each is believed; None is for copies. What is not listed is told by the scan itself."""


class StoredMemory:
    """In the state store, for one folder as it is configured: with another bucket or type all is looked at anew."""

    def __init__(self, rows: KnownFiles, folder: ImagesFolder) -> None:
        self._rows = rows
        self._name = folder.name
        settings = repr((folder.path, folder.bucket, folder.prefix, sorted(folder.types), folder.delete_local))
        self._folder = blake2b(settings.encode(), digest_size=16).hexdigest()

    def has_any(self) -> bool:
        """Whether asking is worth it."""
        return self._rows.has_any()

    def forget_old(self, now: float) -> None:
        """Forget what was believed for long enough. Raises StateError."""
        self._rows.forget_old(now)

    def verdict(self, path: bytes, fingerprint: Fingerprint) -> Reason | bool:
        """Say why a file stays: True for a copied one, False when it is to be looked at."""
        verdict = self._rows.verdict(self._folder, path, _packed(fingerprint))
        if verdict is None:
            return False
        return Reason(verdict) if verdict else True

    def totals(self) -> Totals:
        """Read what was done so far."""
        return Totals(**{field.name: self._rows.counter(self._counter(field.name)) for field in fields(Totals)})

    def book(self, moved: Moved, now: float) -> None:
        """Remember a slice: what stays, and the counts. Raises StateError."""
        counts = Totals()
        counts.add(moved)
        self._rows.remember(
            (
                Known(self._folder, one.path, _packed(one.fingerprint), one.reason or "", now + _KEPT_FOR_S[one.reason])
                for one in moved.kept
                if one.reason in _KEPT_FOR_S
            ),
            {self._counter(name): value for name, value in asdict(counts).items()},
        )

    def _counter(self, what: str) -> str:
        return f"images_{what}:{self._name}"


def _packed(fingerprint: Fingerprint) -> bytes:
    return struct.pack(
        "=QQQqq",
        fingerprint.device,
        fingerprint.inode,
        fingerprint.size_bytes,
        fingerprint.modified_ns,
        fingerprint.changed_ns,
    )
