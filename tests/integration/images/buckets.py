"""A bucket of the sandbox, and the agent's own clients for it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import botocore.session

from sandbox.aws.account import ACCESS_KEY_ID, REGION, SECRET_ACCESS_KEY
from vawsum_agent.aws.objects import NewObject, ObjectStore
from vawsum_agent.aws.session import AwsSession

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox import Sandbox

BUCKET = "vawsum-images"
PREFIX = "uploads/"


def session_for(sandbox: Sandbox, folder: Path) -> AwsSession:
    """Open a session on the sandbox that takes nothing from this process's environment."""
    session = botocore.session.Session()
    session.set_credentials(ACCESS_KEY_ID, SECRET_ACCESS_KEY)
    configuration = folder / "aws-config"
    configuration.write_text(f"[default]\nendpoint_url = {sandbox.endpoint}\n")
    session.set_config_variable("config_file", str(configuration))
    return AwsSession(session, REGION)


def store_for(sandbox: Sandbox, folder: Path, bucket: str = BUCKET) -> ObjectStore:
    """Make a client of a bucket."""
    return ObjectStore(session_for(sandbox, folder), bucket)


def an_object(key: str, body: bytes, *, kms_key_id: str = "", origin: str = "origin") -> NewObject:
    """Describe an object."""
    return NewObject(key, hashlib.sha256(body).digest(), "image/jpeg", "public, max-age=86400", kms_key_id, origin)
