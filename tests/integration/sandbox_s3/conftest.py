"""One sandbox a module, and an empty bucket in it for each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox import Sandbox
from sandbox.aws.account import KMS_KEY_ARN
from tests.integration.sandbox_s3.clients import BUCKET, Client, connect

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def shared() -> Iterator[Sandbox]:
    """One sandbox for the module."""
    with Sandbox.start(seed=3, tls=True) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(shared: Sandbox) -> Sandbox:
    """A sandbox with one versioned bucket, no policy and all clocks right."""
    shared.reset()
    shared.deny()
    shared.enforce(None)
    shared.settings(clock_offset_s=0, conflict_rate=0.5, kms_keys={KMS_KEY_ARN: "enabled"})
    shared.create_bucket(BUCKET)
    return shared


@pytest.fixture
def s3(sandbox: Sandbox) -> Client:
    """A client for S3."""
    return connect(sandbox)
