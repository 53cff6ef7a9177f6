"""Whether this host could leave service now and others go on serving, by the very look that a deploy takes first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.core.errors import AccessDenied, AwsError, DeployError
from vawsum_agent.core.finding import Finding, Severity
from vawsum_agent.core.units import format_duration
from vawsum_agent.deploy.doctor.rights import allowing, is_of_policy
from vawsum_agent.deploy.service.places import described
from vawsum_agent.deploy.service.recording import record

if TYPE_CHECKING:
    from vawsum_agent.config.model import DeployApp
    from vawsum_agent.deploy.service.host import Host
    from vawsum_agent.deploy.service.places import Place
    from vawsum_agent.deploy.service.services import Services

_OF_GROUPS = frozenset({"DescribeAutoScalingInstances", "DescribeTrafficSources"})
_CHECK = "check network, proxy and endpoint settings"


def peers(app: DeployApp, host: Host, services: Services) -> Finding:
    """Look at this host's place. That it may leave and come back is not asked for: there is no harmless way to."""
    where = f"{host.instance_id}, for {app.name}"
    if app.drain == "none":
        return Finding(Severity.OK, 'drain = "none": it stays in service while it changes', where)
    try:
        place = record(
            services,
            host=host,
            drain=app.drain,
            min_healthy_peers=app.min_healthy_peers,
            sleep=lambda _: None,
            say=lambda _: None,
        )
        delays_s = [services.balancing.deregistration_delay_s(arn) for arn in place.group_arns]
    except DeployError as error:
        return Finding(Severity.PROBLEM, f"a deploy would be refused: {error.message}", where, error.hint)
    except AccessDenied as error:
        return _denied(error, where)
    except AwsError as error:
        return Finding(Severity.PROBLEM, error.message, where, error.hint or _CHECK)
    return _found(place, max(delays_s, default=0), where)


def _found(place: Place, delay_s: int, where: str) -> Finding:
    if place.way == "none":
        remedy = 'attach it to its target group or Auto Scaling group; or, where nothing balances, set drain = "none"'
        return Finding(Severity.WARNING, described(place), where, remedy)
    wait = f"; it takes up to {format_duration(delay_s)} to leave" if delay_s else ""
    return Finding(Severity.OK, described(place) + wait, where)


def _denied(error: AccessDenied, where: str) -> Finding:
    if not is_of_policy(error):
        return Finding(Severity.PROBLEM, error.message, where, error.hint or _CHECK)
    service = "autoscaling" if error.operation in _OF_GROUPS else "elasticloadbalancing"
    action = f"{service}:{error.operation}"
    what = f"{action} is not allowed: every deploy is refused"
    return Finding(Severity.PROBLEM, what, where, allowing(action, "*"))
