"""A bucket for backups in the sandbox, and the agent's own client of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.integration.images.buckets import session_for
from vawsum_agent.aws.backup_bucket import BackupBucket

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox import Sandbox

__all__ = ["BUCKET", "FOLDER", "session_for", "vault_for"]

BUCKET = "vawsum-backups"
FOLDER = "mysql/production-db/20261124T183000Z/"


def vault_for(sandbox: Sandbox, folder: Path, *, bucket: str = BUCKET, kms_key_id: str = "") -> BackupBucket:
    """Make a client of a bucket."""
    return BackupBucket(session_for(sandbox, folder), bucket, kms_key_id)
