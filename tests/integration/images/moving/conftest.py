"""A sandbox with a bucket, a folder of uploads, and the daemon."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sandbox import Sandbox
from tests.integration.images.moving.running import BUCKET, MovingAgent, Uploads

if TYPE_CHECKING:
    from collections.abc import Iterator

POLICY = Path(__file__).parents[4] / "packaging/iam/images.json"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """S3 and all else, under the policy that is shipped."""
    with Sandbox.start(tls=True, policy=[POLICY]) as started:
        started.create_bucket(BUCKET)
        yield started


@pytest.fixture
def uploads(tmp_path: Path) -> Uploads:
    """A folder that belongs to the owner."""
    return Uploads(tmp_path / "site" / "uploads")


@pytest.fixture
def agent(tmp_path: Path, sandbox: Sandbox, uploads: Uploads) -> Iterator[MovingAgent]:
    """The daemon, configured for that folder and not started."""
    running = MovingAgent(tmp_path / "agent", sandbox)
    running.configure(uploads)
    yield running
    running.kill()
