"""One host that is deployed to without a load balancer: what is done to it here has nothing to do with one."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from sandbox.host.fleet import PAGES, open_fleet
from sandbox.host.web import can_be_real
from tests.integration.deploy.deploying import FIRST, DeployHost
from tests.integration.deploy.hostile.malice import GROUP, NO_DRAIN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from sandbox import Sandbox
    from sandbox.host.fleet import FleetHost


@pytest.fixture(scope="module")
def web_host(cloud: Sandbox) -> Iterator[FleetHost]:
    """Real Apache and PHP-FPM for the module."""
    if not can_be_real():
        pytest.skip("Apache or PHP-FPM is not installed")
    with open_fleet(cloud, 1) as fleet:
        yield fleet.hosts[0]


@pytest.fixture
def host(aws: Sandbox, web_host: FleetHost) -> DeployHost:
    """It serves the first release, and no journal tells of any."""
    for folder in (".vawsum", "releases", "secrets", "shared"):
        shutil.rmtree(web_host.app / folder, ignore_errors=True)
    web_host.serve(FIRST, PAGES)
    return DeployHost(aws, web_host, NO_DRAIN)


@pytest.fixture
def in_service(aws: Sandbox, host: DeployHost) -> DeployHost:
    """The host alone in a target group, healthy, and allowed to leave."""
    host.configure("min_healthy_peers = 0")
    rules = {"interval_s": 0.2, "healthy_threshold_count": 2, "health_path": "/healthz", "deregistration_delay_s": 0.5}
    aws.add_target_group(GROUP, **rules)
    aws.register_targets(GROUP, (host.host.instance_id, host.host.port))
    aws.await_targets(GROUP, host.host.instance_id)
    return host


@pytest.fixture
def small_disk() -> Callable[[Path, str], AbstractContextManager[None]]:
    """Lay a file system of its own, with so many bytes or inodes (tmpfs(5)), over a host's application."""
    return _mounted


@contextmanager
def _mounted(folder: Path, options: str) -> Iterator[None]:
    command = ["mount", "-t", "tmpfs", "-o", f"mode=755,{options}", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("only root mounts file systems, and not in every container")
    try:
        yield
    finally:
        # Lazily: Apache may still serve from it.
        subprocess.run(["umount", "--lazy", folder], check=True)
