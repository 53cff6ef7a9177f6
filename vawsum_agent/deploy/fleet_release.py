"""``CURRENT.json`` beside the artifacts: which release the fleet should serve. Anybody's text until it is checked."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from vawsum_agent.core.errors import DeployError
from vawsum_agent.deploy.release_id import is_release_id

if TYPE_CHECKING:
    from vawsum_agent.deploy.fetch.artifacts import Artifacts
    from vawsum_agent.deploy.journal import Journal
    from vawsum_agent.deploy.layout import AppFolder

NAME = "CURRENT.json"
_LARGEST_BYTES = 64 << 10
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)


class FleetRelease(msgspec.Struct, frozen=True, kw_only=True):
    """What the fleet should serve; ``deployed_at`` and ``deployed_by`` are for people."""

    release: str
    sha256: str
    deployed_by: str = ""
    deployed_at: str = ""


def read_fleet_release(artifacts: Artifacts) -> FleetRelease:
    """Read which release it is.

    Raises:
        DeployError: there is none, or it makes no sense.
        AwsError: S3 does not answer.
    """
    body = artifacts.read(NAME, _LARGEST_BYTES)
    if body is None:
        hint = "it is written when a release is deployed to all; `deploy start` deploys a release on this host alone"
        raise DeployError(f"there is no {artifacts.where}{NAME}", hint=hint)
    return parsed(body)


def is_served(folder: AppFolder, journal: Journal, release: str) -> bool:
    """Whether nothing has to be done for a host to serve a release.

    A deploy that was cut off may have switched to it, and left it unproven on a drained host: that has to be ended.

    Raises:
        DeployError: others may write to the journal.
    """
    return folder.current_release() == release and not journal.unfinished()


def parsed(body: bytes) -> FleetRelease:
    """Check what it says. Raises DeployError."""
    try:
        found = msgspec.json.decode(body, type=FleetRelease)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
        raise DeployError(f"{NAME} can't be read: {exc}", hint='{"release": …, "sha256": …} is what it holds') from exc
    if not is_release_id(found.release) or not _SHA256.fullmatch(found.sha256):
        raise DeployError(f"{NAME} names no release, or no SHA-256", hint="whoever deploys to all writes it")
    return found
