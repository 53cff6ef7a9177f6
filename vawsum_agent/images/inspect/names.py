"""Whether a name can be a key of S3 and part of an address. Pure."""

from __future__ import annotations

import re

from vawsum_agent.images.reasons import Reason

_LONGEST_KEY_BYTES = 1024
_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")
_UNPRINTABLE = re.compile("[\x80-\x9f\u2028\u2029\ufffe\uffff]")


def refuse_name(prefix_bytes: int, path: bytes) -> Reason | None:
    """Say what is wrong with a path below a folder whose key prefix has that many bytes; None when nothing is."""
    if prefix_bytes + len(path) > _LONGEST_KEY_BYTES:
        return Reason.NAME_TOO_LONG
    if path.isascii():
        return Reason.NAME_WITH_CONTROL_CHARACTERS if _CONTROL.search(path) else None
    try:
        text = path.decode()
    except UnicodeDecodeError:
        return Reason.NAME_NOT_UTF8
    if _CONTROL.search(path) or _UNPRINTABLE.search(text):
        return Reason.NAME_WITH_CONTROL_CHARACTERS
    return None
