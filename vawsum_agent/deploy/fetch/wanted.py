"""Which object is the artifact of a release, and what its bytes must be. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vawsum_agent.core.errors import DeployError
from vawsum_agent.deploy.fetch.inflate import PACKINGS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vawsum_agent.deploy.fetch.artifacts import Stored

CHECKSUM_BYTES = 512
"""More than a checksum's object may have."""

_CHECKSUM = re.compile(rb"([0-9a-f]{64})(?: [ *]([!-~]{1,200}))?\n?")
"""Bare, or as sha256sum(1) writes it."""

_AGAIN = "publish it again: `vawsum-agent release publish`"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be downloaded.

    Attributes:
        name: of the object.
        suffix: of its name; a key of `PACKINGS`.
        sha256: of all its bytes, in hexadecimal.
    """

    name: str
    suffix: str
    size_bytes: int
    sha256: str


def checksum_name(release: str) -> str:
    """Name the object that holds the checksum."""
    return f"{release}.sha256"


def wanted(where: str, release: str, stored: Sequence[Stored], checksum: bytes | None, pinned: str | None) -> Wanted:
    """Say what is to be downloaded.

    Args:
        where: the folder's address, for messages.
        release: that is wanted.
        stored: the objects that are there for it.
        checksum: what the checksum's object holds; None where there is none.
        pinned: the SHA-256 that somebody asked for; None where nobody did.

    Raises:
        DeployError: the release is not there, not whole, or another one than was asked for.
    """
    if checksum is None:
        message = f"{where}{checksum_name(release)} is missing: there is no release {release}"
        raise DeployError(message, hint="a release is there once `vawsum-agent release publish` has printed its id")
    found = _CHECKSUM.fullmatch(checksum)
    if found is None:
        raise DeployError(f"{where}{checksum_name(release)} holds no SHA-256", hint=_AGAIN)
    sha256 = found[1].decode()
    if pinned is not None and pinned != sha256:
        message = f"{where}{release} has the SHA-256 {sha256}, and {pinned} is asked for"
        raise DeployError(message, hint="somebody published another release by that name: deploy one that is whole")
    return _artifact(where, release, stored, (found[2] or b"").decode(), sha256)


def _artifact(where: str, release: str, stored: Sequence[Stored], named: str, sha256: str) -> Wanted:
    suffixes = {f"{release}{suffix}": suffix for suffix in PACKINGS}
    if named and named not in suffixes:
        message = f"{where}{checksum_name(release)} is the checksum of {named}, which is no artifact of {release}"
        raise DeployError(message, hint=_AGAIN)
    there = [one for one in stored if one.name in suffixes and named in {"", one.name}]
    if not there:
        missing = f"{where}{named}" if named else " and ".join(f"{where}{name}" for name in suffixes)
        raise DeployError(f"there is no artifact of {release}: {missing} is missing", hint=_AGAIN)
    if len(there) > 1:
        message = f"{where}{there[0].name} and {there[1].name} are there, and nothing says which one is {release}"
        raise DeployError(message, hint="remove the one that its .sha256 does not belong to")
    [one] = there
    if one.size_bytes <= 0:
        raise DeployError(f"{where}{one.name} is empty", hint=_AGAIN)
    return Wanted(one.name, suffixes[one.name], one.size_bytes, sha256)
