"""A bucket for backups in the sandbox, and the agent's own client of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import botocore.session

from sandbox.aws.account import ACCESS_KEY_ID, REGION, SECRET_ACCESS_KEY
from vawsum_agent.aws.backup_bucket import BackupBucket
from vawsum_agent.aws.session import AwsSession

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox import Sandbox

BUCKET = "vawsum-backups"
FOLDER = "mysql/production-db/20261124T183000Z/"


def session_for(sandbox: Sandbox, folder: Path) -> AwsSession:
    """Open a session on the sandbox that takes nothing from this process's environment."""
    session = botocore.session.Session()
    session.set_credentials(ACCESS_KEY_ID, SECRET_ACCESS_KEY)
    configuration = folder / "aws-config"
    configuration.write_text(f"[default]\nendpoint_url = {sandbox.endpoint}\n")
    session.set_config_variable("config_file", str(configuration))
    return AwsSession(session, REGION)


def vault_for(sandbox: Sandbox, folder: Path, *, bucket: str = BUCKET, kms_key_id: str = "") -> BackupBucket:
    """Make a client of a bucket."""
    return BackupBucket(session_for(sandbox, folder), bucket, kms_key_id)
