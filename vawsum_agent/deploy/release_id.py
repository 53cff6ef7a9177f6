"""The name of a release, ``YYYYMMDDThhmmssZ-<commit>``: what commands, documents, folders and objects are named by."""

from __future__ import annotations

import re

from vawsum_agent.core.errors import UsageError
from vawsum_agent.core.text import printable

RELEASE_PATTERN = r"[0-9]{8}T[0-9]{6}Z-[0-9A-Za-z]{1,64}"
"""Nothing in it means anything to a shell, a path or a URL. Matched in full, always; releases sort by their age."""

_RELEASE = re.compile(RELEASE_PATTERN, re.ASCII)


def is_release_id(text: str) -> bool:
    """Whether a text is the name of a release, all of it."""
    return _RELEASE.fullmatch(text) is not None


def checked_release_id(text: str) -> str:
    """Give the name back.

    Raises:
        UsageError: it is none.
    """
    if not is_release_id(text):
        shown = printable(text[:80])
        hint = "such as 20261129T101500Z-4f2a91c, as `vawsum-agent release publish` prints it"
        raise UsageError(f"{shown!r} is no release", hint=hint)
    return text
