"""Which version of each secret belongs to a release: what makes a rollback take its own secrets along.

    {path}/.vawsum/secrets/{release}.json        mode 0600

It has versions and digests, no values. It is written before the first file of a release's secrets is.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec

from vawsum_agent.core.durable import sync_directory, write_durably
from vawsum_agent.core.errors import DeployError
from vawsum_agent.core.text import printable
from vawsum_agent.deploy.secrets.names import checked_paths
from vawsum_agent.deploy.trust import own_folder

if TYPE_CHECKING:
    from pathlib import Path

    from vawsum_agent.deploy.layout import AppFolder

_MODE = 0o600


class Pin(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One secret as it was when the release was prepared. ``sha256`` in hex."""

    version_id: str
    sha256: str

    def fits(self, content: bytes) -> bool:
        """Whether this is what was pinned."""
        return hashlib.sha256(content).hexdigest() == self.sha256


class Pins(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of a release's secrets.

    Attributes:
        folder: of S3, as ``s3://bucket/prefix/``.
        secrets: by their paths.
        version: of this form.
    """

    folder: str
    secrets: dict[str, Pin]
    version: int = 1


def pin(version_id: str, content: bytes) -> Pin:
    """Pin what was read."""
    return Pin(version_id=version_id, sha256=hashlib.sha256(content).hexdigest())


def read_pins(app: AppFolder, release: str) -> Pins | None:
    """Give a release's pins; None where it has no secrets.

    Raises:
        DeployError: they can't be read, or make no sense.
    """
    path = _path(app, release)
    try:
        pins = msgspec.json.decode(path.read_bytes(), type=Pins)
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise DeployError(printable(f"{path} can't be read: {exc.strerror}")) from exc
    except (msgspec.MsgspecError, UnicodeDecodeError) as exc:
        hint = "a newer agent wrote it, or somebody else: look at it, and deploy another release"
        raise DeployError(printable(f"{path} does not tell which secrets {release} has"), hint=hint) from exc
    checked_paths(pins.secrets)
    return pins


def write_pins(app: AppFolder, release: str, pins: Pins) -> None:
    """Make them durable, in place of earlier ones. Raises DeployError."""
    folder = app.journal / "secrets"
    own_folder(app.journal)
    own_folder(folder, mode=0o700)
    try:
        # If we die here, the earlier pins are whole; with them the release keeps the secrets it had.
        write_durably(_path(app, release), msgspec.json.encode(pins, order="sorted"), mode=_MODE)
    except OSError as exc:
        raise DeployError(printable(f"{folder} can't be written: {exc.strerror}")) from exc


def remove_pins(app: AppFolder, release: str) -> None:
    """Forget them; fine where there are none. Raises DeployError."""
    path = _path(app, release)
    try:
        path.unlink()
        sync_directory(path.parent)
    except FileNotFoundError:
        return
    except OSError as exc:
        raise DeployError(printable(f"{path} can't be removed: {exc.strerror}")) from exc


def _path(app: AppFolder, release: str) -> Path:
    return app.journal / "secrets" / f"{release}.json"
