"""Carries out the return."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.core.errors import AwsError, DeployError, NotFound, Rejected
from vawsum_agent.deploy.service.draining import by_group, longest_delay_s
from vawsum_agent.deploy.service.outage import Restored
from vawsum_agent.deploy.service.returning import Noted, Returning, next_returning
from vawsum_agent.deploy.service.sight import look
from vawsum_agent.deploy.service.waiting import Wait

if TYPE_CHECKING:
    from collections.abc import Callable

    from vawsum_agent.core.clock import Clock
    from vawsum_agent.core.errors import AgentError
    from vawsum_agent.deploy.service.places import Place
    from vawsum_agent.deploy.service.services import Services
    from vawsum_agent.deploy.service.sight import Sight


def restore(
    services: Services,
    place: Place,
    *,
    clock: Clock,
    sleep: Callable[[float], None],
    timeout_s: float,
    say: Callable[[str], None],
) -> Restored:
    """Put this host back to exactly where it was, and come back when what was healthy is healthy again.

    Needs nothing but the place, and finds out by itself how far away this host is: after a drain, in the middle of
    one, before any, or after a return. So it is safe to call again after a crash at any instant.

    While AWS throttles, fails or refuses, it tries on until the time is over: a host out of service is worth it. What
    was deleted meanwhile, such as a target group, is told and left.

    Args:
        services: to ask.
        place: of `record`, out of the journal.
        clock: tells the time.
        sleep: lets it pass.
        timeout_s: for all of it; beyond the deregistration delay where a drain has to end first.
        say: takes a sentence when there is news, and now and then.

    Raises:
        DeployError: it is not back in time; it can be called again at any later time.
    """
    if place.way == "none":
        return Restored(outcome="untouched", back_at=clock.now(), was_away=False)
    patience = _Patience(services, place, clock=clock, sleep=sleep, timeout_s=timeout_s, say=say)
    noted = Noted()
    while True:
        try:
            sight = look(services, place)
        except AwsError as error:
            patience.go_on(Returning(waiting_for="AWS to say where this host is"), error)
            continue
        returning = next_returning(place, sight, noted)
        if returning.gone:
            say(f"nothing to come back to: {returning.gone}")
            return Restored(outcome="terminated", back_at=clock.now(), was_away=noted.was_away)
        if not returning.waiting_for:
            _tell_of_deleted(place, sight, say)
            return Restored(outcome="in service", back_at=clock.now(), was_away=noted.was_away)
        trouble = _ask(services, place, returning)
        noted.is_refused = isinstance(trouble, Rejected) and trouble.code == _NO_SUCH_HOST
        patience.go_on(returning, trouble)


class _Patience:
    """Waits as long as a return may take. A drain that was cut off has to end first, which may take its whole delay."""

    def __init__(
        self,
        services: Services,
        place: Place,
        *,
        clock: Clock,
        sleep: Callable[[float], None],
        timeout_s: float,
        say: Callable[[str], None],
    ) -> None:
        self._services = services
        self._place = place
        self._clock = clock
        self._sleep = sleep
        self._timeout_s = timeout_s
        self._say = say
        self._wait = self._from_now(0.0)
        self._waits_for_drain = False

    def go_on(self, returning: Returning, trouble: AgentError | None) -> None:
        """Pause, and raise DeployError when the time is over."""
        if returning.is_draining != self._waits_for_drain:
            self._waits_for_drain = returning.is_draining
            self._wait = self._from_now(self._delay_s() if returning.is_draining else 0.0)
        if trouble is None and returning.unhealthy:
            trouble = DeployError(returning.unhealthy, hint="look at the application's health check")
        self._wait.go_on(returning.waiting_for, trouble)

    def _from_now(self, expected_s: float) -> Wait:
        return Wait(
            clock=self._clock,
            sleep=self._sleep,
            say=self._say,
            expected_s=expected_s,
            timeout_s=self._timeout_s,
        )

    def _delay_s(self) -> float:
        try:
            return longest_delay_s(self._services, self._place, self._sleep)
        except AwsError:
            return _LONGEST_DELAY_S


_LONGEST_DELAY_S = 3600.0
"""API: deregistration_delay.timeout_seconds, "the range is 0-3600 seconds"."""


def _ask(services: Services, place: Place, returning: Returning) -> AgentError | None:
    """Ask for what is next; what was not, or perhaps not, carried out shows at the next look."""
    trouble: AgentError | None = None
    try:
        if returning.exit_standby and place.auto_scaling_group is not None:
            services.scaling.exit_standby(place.auto_scaling_group, place.instance_id)
    except Rejected as error:
        trouble = DeployError(error.message, hint=error.hint or _ASK_FOR_ROOM)
    except AwsError as error:
        trouble = error
    for ask, changes in (
        (services.balancing.register, returning.register),
        (services.balancing.deregister, returning.deregister),
    ):
        for group_arn, targets in by_group(changes):
            try:
                # If we die here, some are changed and some are not: the next look tells which.
                ask(group_arn, targets)
            except NotFound:
                continue  # the next look shows that the group is gone
            except AwsError as error:
                trouble = error  # the other groups may have this host back all the same
    return trouble


_NO_SUCH_HOST = "InvalidTarget"
"""API: "The specified target does not exist, is not in the same VPC as the target group, or has an unsupported instance
type", and so of one that does not run."""


_ASK_FOR_ROOM = (
    "where the group's desired capacity has reached its maximum size, raise the maximum by one; then it goes on by "
    "itself, or with the next deploy"
)


def _tell_of_deleted(place: Place, sight: Sight, say: Callable[[str], None]) -> None:
    for each in place.targets:
        if not sight.has_group(each):
            say(f"target group {each.group_name} was deleted meanwhile: this host is not registered in it any more")
