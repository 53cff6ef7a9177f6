"""What identifies the bytes of a log file, as pure functions: the head it begins with, the marker before an offset."""

from __future__ import annotations

from hashlib import blake2b

from vawsum_agent.state.log_records import NO_MARKER, Fingerprint, Marker

HEAD_BYTES = 1024
MARKER_BYTES = 256


def digest_of(data: bytes) -> str:
    """BLAKE2b-128 in hex: short enough to store, too long to meet twice."""
    return blake2b(data, digest_size=16).hexdigest()


def fingerprint_of(device: int, inode: int, head: bytes) -> Fingerprint:
    """Identify a file that begins with ``head``, of which at most `HEAD_BYTES` count."""
    head = head[:HEAD_BYTES]
    return Fingerprint(device, inode, len(head), digest_of(head))


def begins_alike(fingerprint: Fingerprint, head: bytes) -> bool:
    """Whether a file that begins with ``head`` can be the one of ``fingerprint``, or a copy of it.

    A fingerprint taken of an empty file fits every file.
    """
    length = fingerprint.head_length
    return length <= len(head) and (length == 0 or digest_of(head[:length]) == fingerprint.head_digest)


def marker_of(tail_bytes: bytes) -> Marker:
    """Mark an offset by the bytes that end there; the last `MARKER_BYTES` of ``tail_bytes`` count, fewer will do."""
    tail_bytes = tail_bytes[-MARKER_BYTES:]
    return Marker(len(tail_bytes), digest_of(tail_bytes)) if tail_bytes else NO_MARKER


def is_marked(marker: Marker, before: bytes) -> bool:
    """Whether the bytes that end at an offset are those of the marker; `NO_MARKER` fits everything."""
    if marker.length == 0:
        return True
    return len(before) >= marker.length and digest_of(before[-marker.length :]) == marker.digest
