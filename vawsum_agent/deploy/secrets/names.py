"""Which names of secrets become files. Pure.

A name comes from S3 and becomes a path that root writes to: whoever may write to the bucket must not thereby write to
the host anywhere else than into the folder of secrets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.core.errors import DeployError
from vawsum_agent.core.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

OURS = ".vawsum-"
"""Begins the names of files that are being written."""

MOST_SECRETS = 100
_LONGEST_PART_BYTES = 200
_LONGEST_BYTES = 512


def checked_paths(names: Iterable[str]) -> frozenset[str]:
    """Give names back as paths, relative to the folder of secrets.

    Raises:
        DeployError: there are none, or too many; one is no path below a folder, or stands in the way of another.
    """
    paths: set[str] = set()
    for name in names:
        problem = _problem(name)
        if problem:
            message = f"{_shown(name)} can't be the name of a secret: {problem}"
            raise DeployError(message, hint="remove the object, all its versions, and see who wrote it")
        paths.add(name)
        if len(paths) > MOST_SECRETS:
            hint = "deploy.app.secrets names a folder that holds the secrets of one application and nothing else"
            raise DeployError(f"more than {MOST_SECRETS} secrets", hint=hint)
    for path in sorted(paths):
        folder = path.rpartition("/")[0]
        while folder:
            if folder in paths:
                raise DeployError(f"{_shown(folder)} is a secret, and {_shown(path)} another inside of it")
            folder = folder.rpartition("/")[0]
    return frozenset(paths)


def _problem(name: str) -> str:
    parts = name.split("/")
    if not name or name.startswith("/"):
        return "it is no relative path"
    if {"", ".", ".."} & set(parts):
        return "a part of it is empty, . or .."
    if not name.isprintable():
        return "it has characters that can't be printed"
    if any(part.startswith(OURS) for part in parts):
        return f"{OURS} begins names of the agent's own"
    if len(name.encode()) > _LONGEST_BYTES or any(len(part.encode()) > _LONGEST_PART_BYTES for part in parts):
        return "it is too long"
    return ""


def _shown(name: str) -> str:
    return repr(printable(name[:100]))
