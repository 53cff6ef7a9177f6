"""The policy fragment of backups: enough for every call, nothing in it that no call needs, and no right to destroy."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.aws.account import KMS_KEY_ARN
from tests.integration.backup.vaults import FOLDER, session_for
from vawsum_agent.aws.lease import Held, Lease
from vawsum_agent.aws.objects_probe import ObjectsProbe
from vawsum_agent.backup.upload.patience import Patience
from vawsum_agent.backup.upload.writer import ObjectWriter
from vawsum_agent.core.clock import SystemClock
from vawsum_agent.core.errors import AccessDenied, NotFound

if TYPE_CHECKING:
    from sandbox import Sandbox
    from vawsum_agent.aws.backup_bucket import BackupBucket

FRAGMENT: dict[str, Any] = json.loads((Path(__file__).parents[3] / "packaging/iam/backup.json").read_text())
ACTIONS = sorted(action for statement in FRAGMENT["Statement"] for action in statement["Action"])
DUMP = f"{FOLDER}dump.sql.zst"
MIB = 1 << 20

pytestmark = pytest.mark.spoilt("a manifest that is none, beside a dump that is none")


def without(action: str) -> dict[str, Any]:
    """Leave an action out of the fragment."""
    document = deepcopy(FRAGMENT)
    for statement in document["Statement"]:
        statement["Action"] = [name for name in statement["Action"] if name != action]
    return document


def back_up_and_read_back(bucket: BackupBucket) -> None:
    """Make every call of the capability: a lease, an upload in parts, one that is given up, documents, tags, reads."""
    lease = Lease(bucket, "mysql/production-db/lease.json", SystemClock())
    held = lease.acquire("i-1", 60)
    assert isinstance(held, Held)
    with ObjectWriter(bucket, DUMP, "application/zstd", clock=SystemClock(), patience=Patience(0, 0)) as writer:
        writer.write(bytes(9 * MIB))
        stored = writer.finish()
    bucket.begin_upload(f"{DUMP}.given-up", "application/zstd")
    for pending in bucket.pending(FOLDER):
        bucket.abort(pending)
    bucket.put_new(f"{FOLDER}manifest.json", b"{}", "application/json")
    held.renew()
    held.release(slot=1.0, backup_id="20261124T183000Z")
    assert len(list(bucket.listing("mysql/"))) == 3
    assert len(b"".join(bucket.read_range(DUMP, MIB, MIB, stored.etag))) == MIB
    bucket.set_tags(DUMP, {**bucket.tags(DUMP), "vawsum-expire": "true"})
    assert bucket.lifecycle_rules() == []
    assert bucket.is_versioned()


def test_fragment_is_enough(sandbox: Sandbox, vault: BackupBucket, tmp_path: Path) -> None:
    """With it and nothing else every call is allowed, and so is what doctor asks for."""
    sandbox.enforce(FRAGMENT)
    back_up_and_read_back(vault)
    probe = ObjectsProbe(session_for(sandbox, tmp_path), vault.bucket)
    assert probe.some_keys(FOLDER, 1)
    probe.put(DUMP, KMS_KEY_ARN)
    probe.abort(DUMP)
    probe.list_uploads(FOLDER)
    with pytest.raises(NotFound):
        probe.get(f"{FOLDER}missing")


@pytest.mark.parametrize("action", ACTIONS)
def test_each_action_is_needed(sandbox: Sandbox, vault: BackupBucket, action: str) -> None:
    """Without it something is denied: it is there for a call that is made."""
    sandbox.enforce(without(action))
    with pytest.raises(AccessDenied):
        back_up_and_read_back(vault)


def test_nothing_can_be_destroyed() -> None:
    """No action deletes an object or a version, or changes what the bucket keeps; it keeps what is written over."""
    assert not [name for name in ACTIONS if "Delete" in name or "*" in name or name.startswith("s3:PutBucket")]
    assert "s3:PutLifecycleConfiguration" not in ACTIONS
