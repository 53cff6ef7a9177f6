"""Where the objects of a backup lie: ``{prefix}{server}/{backup_id}/…``. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

DUMP = "dump.sql.zst"
GRANTS = "grants.sql.zst"
MANIFEST = "manifest.json"
VERIFIED = "verified.json"
"""Beside the manifest, which never changes: when every byte was last read back."""
DRILLED = "drilled.json"
"""When it was last restored as a rehearsal, and how long that took."""

OBJECTS = (DUMP, GRANTS, MANIFEST)
"""Of every backup, in the order in which they are written."""

LEASE = "lease.json"
"""Beside the backups of a server: who may write the next one."""

_SERVER = re.compile(r"[A-Za-z0-9._-]{1,128}")  # as `config.rules.SERVER_NAME` has it
_ID = re.compile(r"[0-9]{8}T[0-9]{6}Z")
_ID_FORMAT = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, slots=True, order=True)
class BackupName:
    """Which backup.

    Attributes:
        server: the name of the data.
        backup_id: UTC ``YYYYMMDDThhmmssZ``, when it began.
    """

    server: str
    backup_id: str

    def folder(self, prefix: str) -> str:
        """The prefix of its objects, with the slash at the end."""
        return f"{prefix}{self.server}/{self.backup_id}/"

    def key(self, prefix: str, name: str) -> str:
        """The key of one of its objects, such as `MANIFEST`."""
        return self.folder(prefix) + name

    @property
    def began_at(self) -> float:
        """Seconds since the epoch."""
        return datetime.strptime(self.backup_id, _ID_FORMAT).replace(tzinfo=UTC).timestamp()


def backup_id_at(epoch_s: float) -> str:
    """Name a backup that begins now."""
    return datetime.fromtimestamp(epoch_s, UTC).strftime(_ID_FORMAT)


def is_backup_id(text: str) -> bool:
    """Whether a text is one: of the right form, and a moment that exists."""
    if _ID.fullmatch(text) is None:
        return False
    try:
        datetime.strptime(text, _ID_FORMAT)  # noqa: DTZ007 - only whether it can be read
    except ValueError:
        return False
    return True


def parse_key(prefix: str, key: str) -> tuple[BackupName, str] | None:
    """Tell of which backup an object is, and which of its objects; None for anything else under the prefix."""
    parts = key.removeprefix(prefix).split("/")
    if not key.startswith(prefix) or len(parts) != 3:  # noqa: PLR2004
        return None
    if _SERVER.fullmatch(parts[0]) is None or not is_backup_id(parts[1]):
        return None
    return BackupName(parts[0], parts[1]), parts[2]
