"""Web hosts of one sandbox behind its balancer, and a bucket with releases."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from sandbox import Sandbox
from sandbox.aws.settings import RATE_LIMITS_PER_S
from sandbox.host.fleet import PAGES, Fleet, open_fleet
from sandbox.host.web import can_be_real
from sandbox.servers.nginx_balancer import is_installed
from tests.integration.deploy.deploying import BUCKET, FIRST, SECOND, THIRD, DeployHost, publish

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def cloud() -> Iterator[Sandbox]:
    """One sandbox for the module."""
    with Sandbox.start(seed=5) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def three_hosts(cloud: Sandbox) -> Iterator[Fleet]:
    """Three web hosts for the module."""
    if not (can_be_real() and is_installed()):
        pytest.skip("Apache, PHP-FPM or nginx is not installed")
    with open_fleet(cloud) as fleet:
        yield fleet


@pytest.fixture
def aws(cloud: Sandbox) -> Sandbox:
    """The sandbox without groups, faults and quotas, with three releases in the bucket."""
    cloud.reset()
    cloud.deny()
    cloud.calm()
    cloud.enforce(None)
    cloud.settings(rate_limits_per_s=dict.fromkeys([*RATE_LIMITS_PER_S, "DescribeTargetHealth"], 1e6))
    cloud.create_bucket(BUCKET)
    for release in (FIRST, SECOND, THIRD):
        publish(cloud, release)
    return cloud


@pytest.fixture
def hosts(aws: Sandbox, three_hosts: Fleet) -> list[DeployHost]:
    """The hosts as they are before the first deploy: they serve the first release, and no journal tells of any."""
    for host in three_hosts.hosts:
        for folder in (".vawsum", "releases", "secrets"):
            shutil.rmtree(host.app / folder, ignore_errors=True)
        host.serve(FIRST, PAGES)
    return [DeployHost(aws, host) for host in three_hosts.hosts]


@pytest.fixture
def balanced(aws: Sandbox, three_hosts: Fleet, hosts: list[DeployHost]) -> list[DeployHost]:
    """The hosts in one target group, all healthy."""
    aws.add_target_group(
        "web", interval_s=0.2, healthy_threshold_count=2, health_path="/healthz", deregistration_delay_s=1
    )
    three_hosts.register("web")
    return hosts
