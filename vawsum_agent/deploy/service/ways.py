"""How this host leaves service: by what is configured, and by where it stands. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.core.errors import DeployError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vawsum_agent.aws.autoscaling import Membership
    from vawsum_agent.config.model.deploy import DrainWay
    from vawsum_agent.deploy.service.places import TargetPlace, Way

IN_SERVICE = "InService"
STANDBY = "Standby"
ENTERING = "EnteringStandby"

_HELD_BACK = ("Pending:Wait", "Warmed:")
"""Not in service, and nothing changes that before a lifecycle hook is completed, or the group needs more hosts."""


def is_ending(lifecycle_state: str) -> bool:
    """Whether the group is about to end the instance. No state leads back from these."""
    return lifecycle_state.startswith(("Terminat", "Warmed:Terminat"))


def is_coming(lifecycle_state: str) -> bool:
    """Whether it is on its way into service, as after standby."""
    return lifecycle_state.startswith("Pending")


def way_out(drain: DrainWay, membership: Membership | None, targets: Sequence[TargetPlace]) -> Way:
    """Choose how this host leaves service.

    One that was put into standby by somebody, or is held back by a lifecycle hook, stays as it is: it is only
    deregistered from where it is registered all the same.

    Raises:
        DeployError: there is no such way; or the host is just changing its state, so that it can't be told how to
            bring it back to what it was.
    """
    by_hand: Way = "deregister" if any(target.is_ours_to_restore for target in targets) else "none"
    if drain == "none":
        return "none"
    if membership is None:
        if drain == "standby":
            raise DeployError(
                "can't go into standby: this host is in no Auto Scaling group",
                hint='set `drain = "auto"` or `drain = "deregister"`',
            )
        return by_hand
    state = membership.lifecycle_state
    if state == IN_SERVICE:
        return by_hand if drain == "deregister" else "standby"
    if is_ending(state):
        raise being_terminated(membership.group, state)
    if state == STANDBY or state.startswith(_HELD_BACK):
        return by_hand
    raise DeployError(
        f"refused: this host is {state} in {membership.group}, which passes",
        hint="try again when it is InService or Standby",
    )


def being_terminated(group: str, state: str) -> DeployError:
    """Say that this host won't be there much longer."""
    return DeployError(
        f"this host is being terminated: it is {state} in {group}",
        hint="nothing needs to be done; the group launches another where it wants one",
    )
