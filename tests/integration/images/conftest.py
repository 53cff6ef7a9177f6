"""The sandbox's S3, empty for each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox import Sandbox
from sandbox.aws.account import KMS_KEY_ARN

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def shared() -> Iterator[Sandbox]:
    """One sandbox for the module."""
    with Sandbox.start(seed=4) as started:
        yield started


@pytest.fixture
def sandbox(shared: Sandbox) -> Sandbox:
    """An empty one, without faults and policies."""
    shared.reset()
    shared.calm()
    shared.deny()
    shared.enforce(None)
    shared.settings(kms_keys={KMS_KEY_ARN: "enabled"}, conflict_rate=0.5, clock_offset_s=0)
    return shared
