"""What doctor says of this host among its peers, where AWS refuses to tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.deploy.service.driving import HOST
from tests.unit.deploy.service.world import World, group
from vawsum_agent.config.model.deploy import DeployApp
from vawsum_agent.core.errors import AccessDenied
from vawsum_agent.core.finding import Severity
from vawsum_agent.deploy.doctor.peers import peers

if TYPE_CHECKING:
    from vawsum_agent.aws.autoscaling import Membership
    from vawsum_agent.aws.load_balancing import TargetHealth

APP = DeployApp(name="web", path="/srv/web", artifacts="s3://a/web/", health_url="http://127.0.0.1/")


class Denied(World):
    """Does not allow one call."""

    denied = ""

    def membership(self, instance_id: str) -> Membership | None:
        """See `World`."""
        self._see("DescribeAutoScalingInstances")
        return super().membership(instance_id)

    def attached_target_groups(self, group: str) -> list[str]:
        """See `World`."""
        self._see("DescribeTrafficSources")
        return super().attached_target_groups(group)

    def target_health(self, group_arn: str) -> list[TargetHealth]:
        """See `World`."""
        self._see("DescribeTargetHealth")
        return super().target_health(group_arn)

    def _see(self, operation: str) -> None:
        if operation == self.denied:
            raise AccessDenied("no", operation=operation, code="AccessDenied")


@pytest.mark.parametrize(
    "action",
    [
        "autoscaling:DescribeAutoScalingInstances",
        "autoscaling:DescribeTrafficSources",
        "elasticloadbalancing:DescribeTargetHealth",
    ],
)
def test_a_missing_permission_is_named(action: str) -> None:
    """With the service that it is of, as a policy writes it."""
    world = Denied([group("web", 80)], attached=("web",))
    world.denied = action.partition(":")[2]
    found = peers(APP, HOST, world.services)
    assert found.severity == Severity.PROBLEM
    assert f"{action} is not allowed" in found.what
    assert f'"Action": "{action}"' in found.remedy
