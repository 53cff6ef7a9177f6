"""The sandbox's S3 with an empty bucket for backups."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox import Sandbox
from sandbox.aws.account import KMS_KEY_ARN
from tests.integration.backup.vaults import BUCKET, vault_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from vawsum_agent.aws.backup_bucket import BackupBucket


@pytest.fixture(scope="module")
def shared() -> Iterator[Sandbox]:
    """One sandbox for the module."""
    with Sandbox.start(seed=5) as started:
        yield started


@pytest.fixture
def sandbox(shared: Sandbox) -> Sandbox:
    """An empty one, without faults and policies, with one versioned bucket."""
    shared.reset()
    shared.calm()
    shared.deny()
    shared.enforce(None)
    shared.settings(kms_keys={KMS_KEY_ARN: "enabled"}, conflict_rate=0.5, clock_offset_s=0)
    shared.create_bucket(BUCKET)
    return shared


@pytest.fixture
def vault(sandbox: Sandbox, tmp_path: Path) -> Iterator[BackupBucket]:
    """Make a client of the bucket; in the end no rule of S3 may have been broken."""
    yield vault_for(sandbox, tmp_path, kms_key_id=KMS_KEY_ARN)
    assert sandbox.violations() == []
