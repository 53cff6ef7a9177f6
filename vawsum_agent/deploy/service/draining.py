"""Carries out a drain."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from vawsum_agent.core.errors import AccessDenied, AwsError, NotFound, Rejected
from vawsum_agent.deploy.service.leaving import Leaving, Seen, next_leaving
from vawsum_agent.deploy.service.outage import Drained
from vawsum_agent.deploy.service.patience import patiently
from vawsum_agent.deploy.service.sight import look
from vawsum_agent.deploy.service.waiting import Wait

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from vawsum_agent.aws.load_balancing import Target
    from vawsum_agent.core.clock import Clock
    from vawsum_agent.deploy.service.places import Place, TargetPlace
    from vawsum_agent.deploy.service.services import Services


def drain(
    services: Services,
    place: Place,
    *,
    clock: Clock,
    sleep: Callable[[float], None],
    timeout_s: float,
    say: Callable[[str], None],
    guards_peers: bool = True,
) -> Drained:
    """Take this host out of service, and come back when nothing is sent to it any more.

    Safe to call again after a crash at any instant: it looks first, and asks only for what is not so yet. A crash
    inside leaves the host leaving, or gone; the place in the journal says where it belongs.

    Args:
        services: to ask.
        place: of `record`, in the journal before this is called.
        clock: tells the time.
        sleep: lets it pass.
        timeout_s: beyond the longest deregistration delay of its target groups.
        say: takes a sentence when there is news, and now and then.
        guards_peers: false where the host has to leave whoever else is there, as with a bad release that serves.

    Raises:
        DeployError: it can't be drained, or must not; `restore` puts back what had begun to leave.
        AwsError: AWS does not allow it.
    """
    left_at = clock.now()
    if place.way == "none":
        return Drained(left_at=left_at, drained_at=left_at)
    delay_s = longest_delay_s(services, place, sleep)
    wait = Wait(clock=clock, sleep=sleep, say=say, expected_s=delay_s, timeout_s=timeout_s)
    seen = Seen()
    while True:
        try:
            sight = look(services, place)
        except AccessDenied:
            raise
        except AwsError as error:
            wait.go_on("AWS to say how far it is", error)
            continue
        leaving = next_leaving(place, sight, seen, guards_peers=guards_peers)
        if not leaving.waiting_for:
            return Drained(left_at=left_at, drained_at=clock.now())
        trouble = _ask(services, place, leaving)
        seen.refusal = trouble if isinstance(trouble, Rejected) else None
        wait.go_on(leaving.waiting_for, trouble)


def longest_delay_s(services: Services, place: Place, sleep: Callable[[float], None]) -> float:
    """Read the longest deregistration delay of a place's target groups; those that were deleted have none."""

    def delay_s(group_arn: str) -> int:
        try:
            return patiently(lambda: services.balancing.deregistration_delay_s(group_arn), sleep)
        except NotFound:
            return 0

    return float(max((delay_s(group_arn) for group_arn in place.group_arns), default=0))


def by_group(targets: Sequence[TargetPlace]) -> Iterator[tuple[str, list[Target]]]:
    """Give what one call to the service can be about."""
    for group_arn, members in groupby(sorted(targets, key=lambda each: each.key), key=lambda each: each.group_arn):
        yield group_arn, [each.target for each in members]


def _ask(services: Services, place: Place, leaving: Leaving) -> AwsError | None:
    """Ask for what is next; what was not, or perhaps not, carried out shows at the next look."""
    try:
        if leaving.enter_standby and place.auto_scaling_group is not None:
            services.scaling.enter_standby(place.auto_scaling_group, place.instance_id)
        for group_arn, targets in by_group(leaving.deregister):
            # If we die here, some have begun to leave and some have not: the next look tells which.
            services.balancing.deregister(group_arn, targets)
    except AccessDenied:
        raise
    except AwsError as error:
        return error
    return None
