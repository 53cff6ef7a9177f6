"""Asks SNS what is allowed and what is there, without a message to anybody.

IAM is evaluated before a message is looked at, so an empty one, which is never published, tells whether it would be
allowed: AccessDenied says no, `Rejected` says yes (API: Publish, InvalidParameter).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vawsum_agent.aws.errors import mapped
from vawsum_agent.aws.sns import region_of

if TYPE_CHECKING:
    from vawsum_agent.aws.session import AwsSession


class SnsProbe:
    """One call a method; each raises AwsError, `NotFound` and `Rejected` among them."""

    def __init__(self, session: AwsSession, topic_arn: str) -> None:
        self._topic_arn = topic_arn
        self._client: Any = session.in_region(region_of(topic_arn)).client("sns")

    def publish_nothing(self) -> None:
        """Publish, of an empty message."""
        fifo = {"MessageGroupId": "doctor", "MessageDeduplicationId": "doctor"}
        with mapped("sns:Publish", self._topic_arn):
            self._client.publish(
                TopicArn=self._topic_arn, Message="", **(fifo if self._topic_arn.endswith(".fifo") else {})
            )

    def subscriptions(self) -> int:
        """GetTopicAttributes: how many subscriptions are confirmed."""
        with mapped("sns:GetTopicAttributes", self._topic_arn):
            answer = self._client.get_topic_attributes(TopicArn=self._topic_arn)
            return int(answer["Attributes"]["SubscriptionsConfirmed"])
