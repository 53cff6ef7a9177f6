"""The seal of a release: what was unpacked, to the byte. Kept outside of it; frozen by a test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from vawsum_agent.core.durable import write_durably
from vawsum_agent.core.errors import DeployError

if TYPE_CHECKING:
    from pathlib import Path

    from vawsum_agent.deploy.layout import AppFolder

_MODE = 0o600


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """One file, folder or symbolic link.

    Attributes:
        path: relative to the release.
        mode: permissions; 0 for a link, which has none.
        content: the SHA-256 of a file in hexadecimal, the target of a link, empty for a folder.
    """

    path: str
    kind: Literal["file", "folder", "link"]
    mode: int
    size_bytes: int
    content: str


class Seal(msgspec.Struct, frozen=True, kw_only=True):
    """All of a release. ``sha256`` is the artifact's; ``entries`` are sorted by path."""

    version: Literal[1] = 1
    release: str
    sha256: str
    entries: list[Entry]


def seal_path(app: AppFolder, release: str) -> Path:
    """Where the seal of a release is."""
    return app.seals / f"{release}.json"


def write_seal(app: AppFolder, seal: Seal) -> None:
    """Make a seal durable, in place of one that is there. Raises OSError."""
    write_durably(seal_path(app, seal.release), msgspec.json.encode(seal), mode=_MODE)


def read_seal(app: AppFolder, release: str) -> Seal:
    """Give the seal of a release.

    Raises:
        DeployError: there is none, or it makes no sense.
    """
    path = seal_path(app, release)
    try:
        seal = msgspec.json.decode(path.read_bytes(), type=Seal)
    except FileNotFoundError as exc:
        raise DeployError(f"{release} has no seal: {path} is missing") from exc
    except OSError as exc:
        raise DeployError(f"the seal {path} can't be read: {exc.strerror}") from exc
    except (msgspec.MsgspecError, UnicodeDecodeError) as exc:
        raise DeployError(f"{path} is no seal that this version knows") from exc
    if seal.release != release:
        raise DeployError(f"{path} is the seal of {seal.release!r}")
    return seal
