"""The rows of the logs capability, as values."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What makes a log file itself, whatever its name is now.

    Attributes:
        device: where it was seen last; a copy or a compressed rotation may have another.
        inode: as ``device``.
        head_length: how many of its first bytes `head_digest` covers; at most 1,024, grows with the file.
        head_digest: BLAKE2b-128 of them, in hex.
    """

    device: int
    inode: int
    head_length: int
    head_digest: str


@dataclass(frozen=True, slots=True)
class Marker:
    """BLAKE2b-128 (hex) of the ``length`` bytes that end at the checkpoint: are the bytes before it the same?"""

    length: int
    digest: str


NO_MARKER = Marker(0, "")


@dataclass(frozen=True, slots=True)
class FileRecord:
    """One generation of a log: from its creation (or truncation) to its end, under whatever names.

    All offsets and counts are bytes of the uncompressed file.

    Attributes:
        file_id: the store's key; never reused.
        source: the name of the configured source that follows it.
        path: the live path under which it was met; names its log stream.
        fingerprint: its identity.
        start_offset: where reading began (0, or the size at the first meeting for ``start_at = "end"``).
        offset: the checkpoint: all before it is accepted or counted as dropped.
        marker: over the bytes before ``offset``.
        initial_size: its size when first met; older bytes than 14 days in there are counted, not kept.
        modified_at: its modification time when last seen, seconds since the epoch.
        is_finished: rotated away, read and delivered to its end; kept only to recognise its compressed copies.
        accepted_bytes, dropped_bytes: the ledger; ``dropped_bytes`` by reason.
    """

    file_id: int
    source: str
    path: str
    fingerprint: Fingerprint
    start_offset: int
    offset: int
    marker: Marker
    initial_size: int
    modified_at: float
    is_finished: bool = False
    accepted_bytes: int = 0
    dropped_bytes: dict[str, int] = field(default_factory=dict)
