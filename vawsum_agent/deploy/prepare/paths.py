"""Which paths a release may name in its ``deploy.toml``. Pure; whoever wrote the file may have meant harm."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

RELEASE_FILE = "deploy.toml"
"""At the top of an artifact, optional."""

PATH_EXPECTED = 'a path within the release such as "public/uploads", without . or .. or control characters'

_LONGEST_PATH_BYTES = 1024
_LONGEST_NAME_BYTES = 255  # NAME_MAX of every file system that matters


def parts_of(path: str) -> list[str]:
    """Give the names of a path that was accepted; whether it ends with a slash makes no difference."""
    return path.removesuffix("/").split("/")


def is_folder_path(path: str) -> bool:
    """Whether the path says of itself that it is a folder, which may be made."""
    return path.endswith("/")


def fits(path: str) -> bool:
    """Whether it stays within the release, has one spelling, and can be shown."""
    parts = parts_of(path)
    if {"", ".", ".."} & set(parts) or not path.isprintable() or parts[0] == RELEASE_FILE:
        return False
    return (
        len(path.encode()) <= _LONGEST_PATH_BYTES and max(len(part.encode()) for part in parts) <= _LONGEST_NAME_BYTES
    )


def overlapping(paths: Iterable[str]) -> tuple[str, str] | None:
    """Find two of which one is the other, or lies in it; the outer one first."""
    outer: tuple[list[str], str] | None = None
    # Sorted by parts, whatever lies in a folder comes right behind it.
    for parts, path in sorted((parts_of(path), path) for path in paths):
        if outer is not None and parts[: len(outer[0])] == outer[0]:
            return outer[1], path
        outer = parts, path
    return None
