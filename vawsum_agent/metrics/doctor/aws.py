"""What AWS says of metrics: whether it answers, by which clock, whether they may be published, and of which group."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from vawsum_agent.aws.autoscaling import group_of_instance
from vawsum_agent.aws.cloudwatch_probe import MetricsProbe
from vawsum_agent.core.errors import AccessDenied, AwsError, Rejected
from vawsum_agent.core.finding import Finding, Severity
from vawsum_agent.metrics.publish.host import GROUP, GROUP_ENTRY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vawsum_agent.aws.session import AwsSession
    from vawsum_agent.config.model import MetricsConfig
    from vawsum_agent.metrics.publish.host import Metadata

_ASK_FOR_GROUP = "autoscaling:DescribeAutoScalingInstances"
_SHOW_TAGS = "set InstanceMetadataTags=enabled, so that instance metadata shows the tags"
_POLICY_CODES = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})


def aws(metrics: MetricsConfig, session: AwsSession, metadata: Metadata, *, tells_the_clock: bool) -> Iterator[Finding]:
    """Ask without publishing anything; ``tells_the_clock`` unless another check has told it already."""
    where = f"CloudWatch metrics, {session.region}"
    try:
        probe = MetricsProbe(session)
    except AwsError as error:
        yield _problem(error, where)
        return
    found = []
    try:
        found.append(_put(probe, metrics.namespace))
        if GROUP in metrics.dimensions:
            found.append(_group(session, metadata))
    except AwsError as error:
        found.append(_problem(error, where))
    if tells_the_clock:
        # Above all where the request was refused: a clock that is far off is why.
        yield from probe.skew.findings()
    yield from found


def _group(session: AwsSession, metadata: Metadata) -> Finding:
    """Find the Auto Scaling group as the daemon does."""
    instance_id = metadata.get("instance-id")
    if instance_id is None:
        return Finding(Severity.OK, "no instance metadata here: metrics go without a group", GROUP)
    if group := metadata.get(GROUP_ENTRY):
        return Finding(Severity.OK, f"in group {group}, by the instance's tags", GROUP)
    try:
        group = group_of_instance(session, instance_id)
    except AccessDenied as error:
        if error.code not in _POLICY_CODES:
            raise
        statement = {"Effect": "Allow", "Action": _ASK_FOR_GROUP, "Resource": "*"}
        what = f"{_ASK_FOR_GROUP} is not allowed: metrics go without the group, and its alarms don't see them"
        remedy = f"{_SHOW_TAGS}, or add to the role's policy: {json.dumps(statement)}"
        return Finding(Severity.WARNING, what, GROUP, remedy)
    said = f"in group {group}" if group else f"{instance_id} is in no group"
    return Finding(Severity.OK, said, GROUP)


def _problem(error: AwsError, where: str) -> Finding:
    return Finding(Severity.PROBLEM, error.message, where, error.hint or "check network, proxy and endpoint settings")


def _put(probe: MetricsProbe, namespace: str) -> Finding:
    try:
        probe.put(namespace)
    except Rejected:
        pass  # allowed: what was refused is what it should publish
    except AccessDenied as error:
        if error.code not in _POLICY_CODES:
            raise
        condition = {"StringEquals": {"cloudwatch:namespace": namespace}}
        statement = {
            "Effect": "Allow",
            "Action": "cloudwatch:PutMetricData",
            "Resource": "*",
            "Condition": condition,
        }
        what = "cloudwatch:PutMetricData is not allowed: metrics wait in the spool and no alarm sees them"
        return Finding(Severity.PROBLEM, what, namespace, f"add to the role's policy: {json.dumps(statement)}")
    return Finding(Severity.OK, "metrics may be published", namespace)
