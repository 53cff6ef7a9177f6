"""A booted host for the tests in this folder; they are skipped, saying why, where none can be booted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.host.booted import BootedHost
from tests.e2e.host.install import AGENT_WHEEL, LOCKED_WHEELS, install_agent
from tests.e2e.host.tree import debian_tree, missing_tool
from tests.e2e.host.wheels import build_wheel, locked_wheels

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def booted_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BootedHost]:
    """A Debian host with systemd, Apache and PHP-FPM (not running) and the agent installed (not configured)."""
    missing = missing_tool()
    if missing is not None:
        pytest.skip(missing)
    wheel = build_wheel(tmp_path_factory.mktemp("wheel"))
    with BootedHost(debian_tree(), shared_folders={locked_wheels(): LOCKED_WHEELS, wheel.parent: AGENT_WHEEL}) as host:
        install_agent(host)
        yield host
