"""The sandbox's S3 with an empty bucket for backups; whatever a test publishes there is restored when it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox import Sandbox
from sandbox.aws.account import KMS_KEY_ARN
from tests.integration.backup.copies import Copy
from tests.integration.backup.hosts import PREFIX
from tests.integration.backup.published import Published
from tests.integration.backup.vaults import BUCKET, vault_for
from vawsum_agent.backup.names import MANIFEST

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sandbox.servers.mariadb import MariaDb
    from vawsum_agent.aws.backup_bucket import BackupBucket

_FIGURES = pytest.StashKey[dict[str, int]]()


def pytest_configure(config: pytest.Config) -> None:
    """Register what says that a test is about backups that are not what they should be."""
    config.addinivalue_line("markers", "spoilt(why, whole=0): all but so many of its backups have to be refused")
    config.addinivalue_line("markers", "differs(why): its backups are not what the source holds, and say so")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Show how many backups the tests have published, and what became of them."""
    figures = config.stash.get(_FIGURES, {})
    if figures:
        terminalreporter.line("backups: " + ", ".join(f"{count} {what}" for what, count in figures.items()))


@pytest.fixture(scope="session")
def copy_server(pytestconfig: pytest.Config) -> Iterator[Copy]:
    """Where backups are restored; it is started for the first one."""
    with Copy() as copy_server:
        yield copy_server
    pytestconfig.stash[_FIGURES] = copy_server.figures


@pytest.fixture(scope="module")
def shared() -> Iterator[Sandbox]:
    """One sandbox for the module."""
    with Sandbox.start(seed=5) as started:
        yield started


@pytest.fixture
def origin() -> MariaDb | None:
    """The server whose backups a module publishes; each that does gives its own, which outlives the sandbox."""
    return None


@pytest.fixture
def sandbox(
    request: pytest.FixtureRequest, shared: Sandbox, origin: MariaDb | None, copy_server: Copy
) -> Iterator[Sandbox]:
    """An empty one, without faults and policies, with one versioned bucket; see `Published` for its end."""
    shared.reset()
    _soothe(shared)
    shared.create_bucket(BUCKET)
    yield shared
    _soothe(shared)
    keys = {stored.key for stored in shared.objects(BUCKET)}
    if not any(key.endswith(MANIFEST) for key in keys):
        return
    spoilt = request.node.get_closest_marker("spoilt")
    assert origin is not None or spoilt is not None, "of which server are these backups? Give its fixture as `origin`"
    differs = request.node.get_closest_marker("differs") is not None
    source = origin.option_file if origin is not None and not differs else None
    whole = spoilt.kwargs.get("whole", 0) if spoilt is not None else None
    Published(copy_server.bucket_of(shared), PREFIX, copy_server, source, whole=whole).expect_restorable(keys)


@pytest.fixture
def vault(sandbox: Sandbox, tmp_path: Path) -> Iterator[BackupBucket]:
    """Make a client of the bucket; in the end no rule of S3 may have been broken."""
    yield vault_for(sandbox, tmp_path, kms_key_id=KMS_KEY_ARN)
    assert sandbox.violations() == []


def _soothe(sandbox: Sandbox) -> None:
    """Take away all that a test has put in the way."""
    sandbox.calm()
    sandbox.deny()
    sandbox.enforce(None)
    sandbox.settings(kms_keys={KMS_KEY_ARN: "enabled"}, conflict_rate=0.5, clock_offset_s=0)
