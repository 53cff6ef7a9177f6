"""When to write or read, and which part: If-Match and its kin, and Range. Pure."""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from sandbox.aws.answers import ServiceError
from sandbox.aws.s3.errors import NotModified, no_such_key, precondition_failed

if TYPE_CHECKING:
    from sandbox.aws.s3.store import Version
    from sandbox.aws.wire import Head

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


def is_conditional(head: Head) -> bool:
    """Whether a write has a condition."""
    return bool(head.get("If-Match") or head.get("If-None-Match"))


def check_form(head: Head) -> None:
    """Raise what is wrong with a write's condition, whatever is stored."""
    unless = head.get("If-None-Match")
    if unless not in {"", "*"} or (unless and head.get("If-Match")) or head.get("If-Match") == "*":
        message = "A header you provided implies functionality that is not implemented"
        raise ServiceError("NotImplemented", message, status=501, is_violation=True)


def check_write(head: Head, current: Version | None) -> None:
    """Raise S3's error unless the condition of a write holds for what is stored; None is nothing, or deleted."""
    if head.get("If-None-Match") and current is not None:
        raise precondition_failed("If-None-Match")
    wanted = head.get("If-Match")
    if wanted:
        if current is None:
            raise no_such_key()
        if not _names(wanted, current):
            raise precondition_failed("If-Match")


def check_read(head: Head, version: Version) -> None:
    """Raise unless the conditions of a read hold; `NotModified` where the client has this version."""
    seconds = version.at_ms // 1000
    if head.get("If-Match"):
        if not _names(head.get("If-Match"), version):
            raise precondition_failed("If-Match")
    elif (before := _seconds(head.get("If-Unmodified-Since"))) is not None and seconds > before:
        raise precondition_failed("If-Unmodified-Since")
    if head.get("If-None-Match"):
        if _names(head.get("If-None-Match"), version):
            raise NotModified(version.identity())
    elif (since := _seconds(head.get("If-Modified-Since"))) is not None and seconds <= since:
        raise NotModified(version.identity())


def read_range(text: str, size_bytes: int) -> tuple[int, int] | None:
    """Return (first, last) of the bytes that a Range asks for; None for all of them, also where it can't be read."""
    found = _RANGE.fullmatch(text)
    if found is None or not (found[1] or found[2]):
        return None
    if found[1]:
        first, last = int(found[1]), int(found[2] or size_bytes)
    else:
        first, last = max(0, size_bytes - int(found[2])), size_bytes
    if found[1] and found[2] and last < first:
        return None
    if first >= size_bytes:
        raise ServiceError("InvalidRange", "The requested range is not satisfiable", status=416)
    return first, min(last, size_bytes - 1)


def _names(text: str, version: Version) -> bool:
    return any(one.strip().removeprefix("W/").strip('"') in {version.etag, "*"} for one in text.split(","))


def _seconds(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp() if text else None
    except ValueError:
        return None
