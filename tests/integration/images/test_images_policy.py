"""The policy fragment of images: enough for every call, and nothing in it that no call needs."""

from __future__ import annotations

import json
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.aws.account import KMS_KEY_ARN
from tests.integration.images.buckets import BUCKET, PREFIX, an_object, session_for, store_for
from vawsum_agent.aws.objects_probe import ObjectsProbe
from vawsum_agent.core.errors import AccessDenied, NotFound

if TYPE_CHECKING:
    from sandbox import Sandbox
    from vawsum_agent.aws.objects import ObjectStore

FRAGMENTS = Path(__file__).parents[3] / "packaging/iam"
FRAGMENT: dict[str, Any] = json.loads((FRAGMENTS / "images.json").read_text())
ACTIONS = sorted(action for statement in FRAGMENT["Statement"] for action in statement["Action"])
KEY = f"{PREFIX}a.jpg"


def without(action: str) -> dict[str, Any]:
    """Leave an action out of the fragment."""
    document = deepcopy(FRAGMENT)
    for statement in document["Statement"]:
        statement["Action"] = [name for name in statement["Action"] if name != action]
    return document


def move_and_bring_back(store: ObjectStore, folder: Path) -> None:
    """Make every call of the capability."""
    assert store.head(KEY) is None
    new = an_object(KEY, b"x", kms_key_id=KMS_KEY_ARN)
    etag = store.put(new, b"x")
    store.put(new, b"x", if_match=etag)
    path = folder / "large.jpg"
    path.write_bytes(b"x")
    with path.open("rb") as file:
        store.put_large(an_object(f"{KEY}.large", b"x", kms_key_id=KMS_KEY_ARN), file.fileno(), 1)
    store.get(KEY, into=lambda _: None)
    assert len(list(store.listing(PREFIX))) == 2
    assert store.abandoned(PREFIX) == []


@pytest.fixture
def store(sandbox: Sandbox, tmp_path: Path) -> ObjectStore:
    """Make an empty bucket and a client of it."""
    sandbox.create_bucket(BUCKET)
    return store_for(sandbox, tmp_path)


def test_fragment_is_enough(sandbox: Sandbox, store: ObjectStore, tmp_path: Path) -> None:
    """With it and nothing else every call is allowed, and so is what doctor asks for."""
    sandbox.enforce(FRAGMENT)
    move_and_bring_back(store, tmp_path)
    probe = ObjectsProbe(session_for(sandbox, tmp_path), BUCKET)
    assert len(probe.some_keys(PREFIX, 1)) == 1
    probe.put(KEY, KMS_KEY_ARN)
    probe.list_uploads(PREFIX)
    with pytest.raises(NotFound):
        probe.get(f"{PREFIX}missing")
    with pytest.raises(AccessDenied, match="GetBucketVersioning"):
        probe.is_versioned()
    sandbox.enforce([FRAGMENT, json.loads((FRAGMENTS / "doctor.json").read_text())])
    assert probe.is_versioned()


@pytest.mark.parametrize("action", ACTIONS)
def test_each_action_is_needed(sandbox: Sandbox, store: ObjectStore, tmp_path: Path, action: str) -> None:
    """Without it something is denied: it is there for a call that is made."""
    sandbox.enforce(without(action))
    probe = ObjectsProbe(session_for(sandbox, tmp_path), BUCKET)
    calls = partial(move_and_bring_back, store, tmp_path)
    if action == "s3:AbortMultipartUpload":
        calls = partial(probe.put, KEY, "")  # only what fails is aborted
    with pytest.raises(AccessDenied):
        calls()


@pytest.mark.parametrize(
    ("action", "ask"),
    [
        ("s3:ListBucket", lambda probe: probe.some_keys(PREFIX, 1)),
        ("s3:PutObject", lambda probe: probe.put(KEY, "")),
        ("kms:GenerateDataKey", lambda probe: probe.put(KEY, KMS_KEY_ARN)),
        ("s3:AbortMultipartUpload", lambda probe: probe.abort(KEY)),
        ("s3:GetObject", lambda probe: probe.get(f"{PREFIX}missing")),
        ("s3:ListBucketMultipartUploads", lambda probe: probe.list_uploads(PREFIX)),
    ],
)
def test_probe_names_what_is_missing(
    sandbox: Sandbox,
    store: ObjectStore,
    tmp_path: Path,
    action: str,
    ask: Any,  # noqa: ANN401 - a lambda
) -> None:
    """Each question is answered by exactly the action that it is about."""
    del store
    probe = ObjectsProbe(session_for(sandbox, tmp_path), BUCKET)
    sandbox.enforce(without(action))
    with pytest.raises(AccessDenied):
        ask(probe)
    sandbox.enforce(FRAGMENT)
    try:
        ask(probe)
    except NotFound:
        assert action == "s3:GetObject"


def test_probe_tells_of_a_missing_bucket_and_of_one_without_versions(sandbox: Sandbox, tmp_path: Path) -> None:
    """Neither is a matter of rights."""
    sandbox.create_bucket(BUCKET, is_versioned=False)
    session = session_for(sandbox, tmp_path)
    assert not ObjectsProbe(session, BUCKET).is_versioned()
    with pytest.raises(NotFound):
        ObjectsProbe(session, "no-such-bucket").some_keys("", 1)
