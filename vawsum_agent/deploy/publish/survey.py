"""A look at all of a folder before anything is made of it: how much it is, and all that is wrong with it at once."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vawsum_agent.core.errors import DeployError
from vawsum_agent.core.text import printable
from vawsum_agent.core.units import counted, format_bytes
from vawsum_agent.deploy.fetch.limits import LIMITS, Limits
from vawsum_agent.deploy.publish.archive import END_BYTES, header, padding_bytes
from vawsum_agent.deploy.publish.secrets import HEAD_BYTES, is_allowed, looks_secret
from vawsum_agent.deploy.publish.walk import Entry, walk

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

_NAMED = 5
_HEADERS_AN_ENTRY = 2
"""At most: one may be described by another before it."""

_TOO_MUCH_HINT = "uploads, logs and caches belong into shared folders, not into a release"


@dataclass(frozen=True, slots=True)
class Survey:
    """What a folder holds, all of which can be published.

    Attributes:
        files: regular ones.
        size_bytes: of them.
        tar_bytes: of the tar that they become.
    """

    files: int
    size_bytes: int
    tar_bytes: int


def survey(root: Path, allowed_secrets: Collection[str] = (), limits: Limits = LIMITS) -> Survey:
    """Look at everything in a folder.

    Args:
        root: absolute and without links.
        allowed_secrets: patterns of names that may be published although they look like secrets.
        limits: of the hosts that unpack it.

    Raises:
        DeployError: it can't become a release: something in it, all of it, or nothing to speak of.
        OSError: it can't be read.
    """
    files = entries = size_bytes = 0
    tar_bytes = END_BYTES
    refused: list[str] = []
    secrets: list[str] = []
    for found in walk(root):
        if not isinstance(found, Entry):
            refused.append(found.message.removeprefix("its member "))
            continue
        entries += 1
        tar_bytes += len(header(found, 0)) + found.size_bytes + padding_bytes(found.size_bytes)
        if found.kind == "file":
            files += 1
            size_bytes += found.size_bytes
            if not os.access(found.path, os.R_OK):
                refused.append(f"{printable(found.name)!r} can't be read by this user")
            elif _is_secret(found) and not is_allowed(found.name, allowed_secrets):
                secrets.append(found.name)
        _check_size(root, entries, tar_bytes, limits)
    if refused:
        message = f"{root} can't be published: {_listed(refused)}"
        raise DeployError(message, hint="a release holds files, folders, and relative links that stay inside it")
    if secrets:
        message = f"{root} holds what looks like {'a secret' if len(secrets) == 1 else 'secrets'}: {_listed(secrets)}"
        hint = "keep secrets in the app's `secrets` folder in S3; what is none is allowed by --allow-secret NAME"
        raise DeployError(message, hint=hint)
    if not files:
        message = f"{root} has no files: there is nothing to publish"
        raise DeployError(message, hint="name the folder that the build fills")
    return Survey(files, size_bytes, tar_bytes)


def _check_size(root: Path, entries: int, tar_bytes: int, limits: Limits) -> None:
    most = limits.members // _HEADERS_AN_ENTRY
    if entries > most:
        message = f"{root} holds more than {most:,} files and folders, which no host would take"
        raise DeployError(message, hint=_TOO_MUCH_HINT)
    if tar_bytes > limits.unpacked_bytes:
        message = f"{root} holds more than {format_bytes(limits.unpacked_bytes)}, which no host would take"
        raise DeployError(message, hint=_TOO_MUCH_HINT)


def _listed(items: Sequence[str]) -> str:
    more = f" and {counted(len(items) - _NAMED, 'more', 'more')}" if len(items) > _NAMED else ""
    return ", ".join(map(printable, items[:_NAMED])) + more


def _is_secret(entry: Entry) -> bool:
    def head() -> bytes:
        with entry.path.open("rb") as file:
            return file.read(HEAD_BYTES)

    return looks_secret(entry.name, head)
