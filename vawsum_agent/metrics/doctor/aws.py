"""What AWS says of metrics: whether it answers, by which clock, and whether they may be published."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from vawsum_agent.aws.cloudwatch_probe import MetricsProbe
from vawsum_agent.core.errors import AccessDenied, AwsError, Rejected
from vawsum_agent.core.finding import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vawsum_agent.aws.session import AwsSession
    from vawsum_agent.config.model import MetricsConfig

_POLICY_CODES = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})


def aws(metrics: MetricsConfig, session: AwsSession, *, tells_the_clock: bool) -> Iterator[Finding]:
    """Ask without publishing anything; ``tells_the_clock`` unless another check has told it already."""
    where = f"CloudWatch metrics, {session.region}"
    try:
        probe = MetricsProbe(session)
    except AwsError as error:
        yield _problem(error, where)
        return
    try:
        found = _put(probe, metrics.namespace)
    except AwsError as error:
        found = _problem(error, where)
    if tells_the_clock:
        # Above all where the request was refused: a clock that is far off is why.
        yield from probe.skew.findings()
    yield found


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
