"""Asks CloudWatch Logs what is allowed and what is there, by calls that change nothing whatever the answer.

IAM is evaluated before anything is looked up, so a call that must fail for another reason tells whether it is allowed:
AccessDenied says no, `NotFound` and `Rejected` say yes. Where the service might check a request's form before its
permission, an invalid request may say yes too often; it never says no without cause.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vawsum_agent.aws.errors import mapped
from vawsum_agent.aws.skew import Skew

if TYPE_CHECKING:
    from vawsum_agent.aws.session import AwsSession

_NO_SUCH_KEY = "no-such-key-" * 30
"""Longer than the 256 characters that a key's name may have (API: CreateLogGroup)."""

_NO_STREAM_NAME = "vawsum-agent:doctor"
"""A colon is not allowed (API: CreateLogStream)."""

_NO_RETENTION_DAYS = 2
"""Not among the values that PutRetentionPolicy takes."""


@dataclass(frozen=True, slots=True)
class GroupSettings:
    """How a log group is set; no retention means that its events never expire."""

    retention_days: int | None
    kms_key_id: str


class LogsProbe:
    """One call a method; each raises AwsError, `NotFound` and `Rejected` among them.

    Attributes:
        region: whose endpoint is asked.
        skew: of this host's clock and the service's, by its last answer.
    """

    def __init__(self, session: AwsSession) -> None:
        self._client: Any = session.client("logs", parameter_validation=False)
        self.region = session.region
        self.skew = Skew(self._client)

    def put(self, group: str, missing_stream: str) -> None:
        """PutLogEvents to a stream that does not exist, of an event so old that it would not be stored either."""
        event = {"timestamp": 1, "message": "vawsum-agent doctor"}
        with mapped("logs:PutLogEvents", f"{group} {missing_stream}"):
            self._client.put_log_events(logGroupName=group, logStreamName=missing_stream, logEvents=[event])

    def get(self, group: str, stream: str) -> None:
        """GetLogEvents, of a stream that may exist or not."""
        with mapped("logs:GetLogEvents", f"{group} {stream}"):
            self._client.get_log_events(logGroupName=group, logStreamName=stream, limit=1)

    def create_group(self, group: str, *, is_there: bool) -> None:
        """CreateLogGroup, for one that exists already, else with a key that no key can have."""
        arguments = {} if is_there else {"kmsKeyId": _NO_SUCH_KEY}
        with mapped("logs:CreateLogGroup", group):
            self._client.create_log_group(logGroupName=group, **arguments)

    def create_stream(self, group: str, stream: str | None) -> None:
        """CreateLogStream, of one that exists, or in a group that does not; None: with an impossible name."""
        with mapped("logs:CreateLogStream", f"{group} {stream}"):
            self._client.create_log_stream(logGroupName=group, logStreamName=stream or _NO_STREAM_NAME)

    def set_retention(self, group: str) -> None:
        """PutRetentionPolicy, with a number of days that is not offered."""
        with mapped("logs:PutRetentionPolicy", group):
            self._client.put_retention_policy(logGroupName=group, retentionInDays=_NO_RETENTION_DAYS)

    def settings(self, group: str) -> GroupSettings | None:
        """DescribeLogGroups: how a group is set; None when it does not exist."""
        arguments: dict[str, str] = {}
        while True:
            with mapped("logs:DescribeLogGroups", group):
                page = self._client.describe_log_groups(logGroupNamePrefix=group, **arguments)
            for row in page.get("logGroups", ()):
                if row["logGroupName"] == group:
                    return GroupSettings(row.get("retentionInDays"), row.get("kmsKeyId", ""))
            if not page.get("nextToken"):
                return None
            arguments = {"nextToken": page["nextToken"]}
