"""Asks CloudWatch whether metrics may be published, without publishing any.

IAM is evaluated before data are looked at, so data that are invalid, and therefore never taken, tell whether they would
be allowed: AccessDenied says no, `Rejected` says yes (API: PutMetricData, InvalidParameterValue).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vawsum_agent.aws.errors import mapped
from vawsum_agent.aws.skew import Skew

if TYPE_CHECKING:
    from vawsum_agent.aws.session import AwsSession


class MetricsProbe:
    """One call a method; each raises AwsError, `Rejected` among them.

    Attributes:
        skew: of the clocks, by the last answer.
    """

    def __init__(self, session: AwsSession) -> None:
        self._client: Any = session.client("cloudwatch", parameter_validation=False)
        self.skew = Skew(self._client)

    def put(self, namespace: str) -> None:
        """PutMetricData, of a datum without values in a unit that does not exist."""
        datum = {"MetricName": "vawsum_doctor", "Values": [], "Counts": [], "Unit": "doctor"}
        with mapped("cloudwatch:PutMetricData", namespace):
            self._client.put_metric_data(Namespace=namespace, MetricData=[datum])
