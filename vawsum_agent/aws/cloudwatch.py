"""CloudWatch metrics, as narrow as the agent needs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vawsum_agent.aws.errors import mapped
from vawsum_agent.aws.prepared import PreparedCall

if TYPE_CHECKING:
    from vawsum_agent.aws.session import AwsSession


class MetricsClient:
    """The one call of the metrics capability; `packaging/iam/metrics.json` allows it."""

    def __init__(self, session: AwsSession) -> None:
        self._client: Any = session.client("cloudwatch", parameter_validation=False)
        self._put = PreparedCall(session, self._client, "PutMetricData", "put_metric_data")

    def put(self, namespace: str, body: bytes) -> None:
        """Publish data; ``body`` is the gzipped JSON of the whole request.

        Raises:
            Throttled, AccessDenied: not done; trying again may help.
            Unavailable: perhaps done, see its ``maybe_done``; there is no way to ask (no idempotency token).
            Rejected: none of it is taken, and would be refused again.
        """
        with mapped("cloudwatch:PutMetricData", namespace):
            self._put.call(body, Namespace=namespace, MetricData=[])
