"""What AWS says of this host's place at one moment."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from vawsum_agent.core.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vawsum_agent.aws.load_balancing import TargetHealth
    from vawsum_agent.deploy.service.places import Place, TargetPlace
    from vawsum_agent.deploy.service.services import Services


class Sight(NamedTuple):
    """One look.

    Attributes:
        lifecycle_state: of this host in the group of its place; None where it is not in it, or never was in any.
        health: what each target group of the place says; a group that was deleted is left out.
    """

    lifecycle_state: str | None
    health: dict[str, Sequence[TargetHealth]]

    def of(self, place: TargetPlace) -> TargetHealth | None:
        """Tell of one registration; None where it is none (any more)."""
        rows = self.health.get(place.group_arn, ())
        return next((row for row in rows if (row.target.target_id, row.target.port) == place.key[1:]), None)

    def state_of(self, place: TargetPlace) -> str | None:
        """The same, only the state. AWS may go on listing for a while what is not registered any more."""
        row = self.of(place)
        return None if row is None or row.reason == "Target.NotRegistered" else row.state

    def has_group(self, place: TargetPlace) -> bool:
        """Whether its target group still exists."""
        return place.group_arn in self.health


def look(services: Services, place: Place) -> Sight:
    """Ask once, nothing twice. Raises AwsError when anything is not answered."""
    state = None
    if place.auto_scaling_group is not None:
        membership = services.scaling.membership(place.instance_id)
        if membership is not None and membership.group == place.auto_scaling_group:
            state = membership.lifecycle_state
    health: dict[str, Sequence[TargetHealth]] = {}
    for group_arn in place.group_arns:
        try:
            health[group_arn] = services.balancing.target_health(group_arn)
        except NotFound:
            continue
    return Sight(state, health)
