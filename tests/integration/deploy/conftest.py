"""Web hosts of one sandbox behind its balancer, and a bucket with releases."""

from __future__ import annotations

import shutil
import signal
from functools import partial
from typing import TYPE_CHECKING

import psutil
import pytest

from sandbox import Sandbox
from sandbox.aws.settings import RATE_LIMITS_PER_S
from sandbox.host.fleet import PAGES, Fleet, FleetHost, open_fleet
from sandbox.host.web import can_be_real
from sandbox.servers.nginx_balancer import is_installed
from tests.integration.deploy.deploying import BUCKET, FIRST, SECOND, THIRD, DeployHost, publish, wait_until
from vawsum_agent.deploy.layout import AppFolder

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
        is_left_over = AppFolder(host.app).current_release() != FIRST
        host.serve(FIRST, PAGES)
        if is_left_over:
            _renew_workers(host)
    return [DeployHost(aws, host) for host in three_hosts.hosts]


def _renew_workers(host: FleetHost) -> None:
    """Let no PHP worker remember where the link led."""
    before = _workers(host)
    host.php_fpm.signal(signal.SIGUSR2)
    wait_until(partial(_has_new_workers, host, before), "PHP-FPM has new workers")


@pytest.fixture
def balanced(aws: Sandbox, three_hosts: Fleet, hosts: list[DeployHost]) -> list[DeployHost]:
    """The hosts in one target group, all healthy."""
    aws.add_target_group(
        "web", interval_s=0.2, healthy_threshold_count=2, health_path="/healthz", deregistration_delay_s=1
    )
    three_hosts.register("web")
    return hosts


@pytest.fixture
def running(aws: Sandbox, hosts: list[DeployHost]) -> list[DeployHost]:
    """The hosts in no group: none is terminated any more, and no PHP worker remembers releases of earlier tests."""
    for one in hosts:
        aws.add_host(one.host.instance_id, port=one.host.port)
        _renew_workers(one.host)
    return hosts


def _has_new_workers(host: FleetHost, before: set[int]) -> bool:
    now = _workers(host)
    return len(now) == len(before) and not now & before


def _workers(host: FleetHost) -> set[int]:
    return {process.pid for process in psutil.Process(host.php_fpm.pid).children()}


@pytest.fixture
def breaks_no_rule(cloud: Sandbox) -> Iterator[None]:
    """No request to AWS breaks a rule of it."""
    yield
    assert cloud.violations() == []
