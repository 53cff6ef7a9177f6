"""Where a member of an archive may lie, and what a link in it may point to. Pure.

A link is safe by its text alone: its target climbs first (``../``) and only descends then. The folder that a link is in
is a real one, nothing is unpacked below a link; so climbing ends in a folder of the release, and descending, also
through other such links, stays in it. ``a/../../b`` is refused even where it seems to stay inside: ``a`` may be a link.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from vawsum_agent.deploy.fetch.refused import member_refused

if TYPE_CHECKING:
    from vawsum_agent.deploy.fetch.limits import Limits

_NAME_MAX = 255  # <linux/limits.h>
_UNSHOWABLE = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Control characters, halves of characters (bytes that are not UTF-8), separators of lines and paragraphs."""


def member_path(name: str, limits: Limits) -> tuple[str, ...]:
    """Give the parts of a member's path; none for the release itself, as ``./`` is.

    Raises:
        Refused: it leads out of the release, or is no name that everything here can handle.
    """
    parts = _parts(name, limits, name, "has a name that")
    if ".." in parts:
        raise member_refused(name, "leads out of the release")
    return parts


def link_target(name: str, path: tuple[str, ...], target: str, limits: Limits) -> None:
    """See that a symbolic link stays in the release.

    Args:
        name: of the member, for messages.
        path: where it lies.
        target: what it holds.
        limits: of paths.

    Raises:
        Refused: it does not, or might not.
    """
    if not target:
        raise member_refused(name, "is a link to nothing")
    parts = _parts(target, limits, name, "is a link whose target")
    climbs = next((number for number, part in enumerate(parts) if part != ".."), len(parts))
    if climbs >= len(path):
        raise member_refused(name, "is a link that leads out of the release")
    if ".." in parts[climbs:]:
        raise member_refused(name, "is a link that goes down and up again: only its beginning may climb")


def _parts(text: str, limits: Limits, name: str, what: str) -> tuple[str, ...]:
    if text.startswith("/"):
        raise member_refused(name, f"{what} is absolute")
    if "\\" in text:
        raise member_refused(name, f"{what} has a backslash")
    if not text.isascii() or not text.isprintable():
        _check_characters(text, name, what)
    parts = tuple(part for part in text.split("/") if part not in {"", "."})
    sizes = [len(part.encode()) for part in parts]
    if len(parts) > limits.depth:
        raise member_refused(name, f"{what} is more than {limits.depth} folders deep")
    if max(sizes, default=0) > _NAME_MAX or sum(sizes) + len(sizes) > limits.path_bytes:
        raise member_refused(name, f"{what} is too long")
    return parts


def _check_characters(text: str, name: str, what: str) -> None:
    kinds = {unicodedata.category(character) for character in text}
    if "Cs" in kinds:
        raise member_refused(name, f"{what} is not UTF-8")
    if kinds & _UNSHOWABLE:
        raise member_refused(name, f"{what} has control characters")
