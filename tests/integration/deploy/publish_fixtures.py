"""The sandbox's S3 with an empty bucket for releases, and the agent's own client of a folder in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox import Sandbox
from tests.integration.images.buckets import session_for
from vawsum_agent.aws.artifact_bucket import ArtifactBucket

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BUCKET = "vawsum-artifacts"
PREFIX = "vawsum-web/"
ARTIFACTS = f"s3://{BUCKET}/{PREFIX}"


@pytest.fixture(scope="module")
def shared() -> Iterator[Sandbox]:
    """One sandbox for the module."""
    with Sandbox.start(seed=6) as started:
        yield started


@pytest.fixture
def sandbox(shared: Sandbox) -> Sandbox:
    """An empty one, without faults, with one versioned bucket."""
    shared.reset()
    shared.calm()
    shared.deny()
    shared.create_bucket(BUCKET)
    return shared


@pytest.fixture
def bucket(sandbox: Sandbox, tmp_path: Path) -> Iterator[ArtifactBucket]:
    """Make a client of the folder; in the end no rule of S3 may have been broken."""
    yield bucket_for(sandbox, tmp_path)
    assert sandbox.violations() == []


def bucket_for(sandbox: Sandbox, folder: Path, artifacts: str = ARTIFACTS) -> ArtifactBucket:
    """Make a client of a folder of releases."""
    return ArtifactBucket(session_for(sandbox, folder), artifacts, "i-0build")
