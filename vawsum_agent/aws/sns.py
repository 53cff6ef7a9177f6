"""SNS, as narrow as the agent needs it. One thread may call while others do.

The client of botocore, and with it the service's model, is made at the first call: a host on which all is well never
pays for it.
"""

from __future__ import annotations

import hashlib
import re
import threading
from typing import TYPE_CHECKING, Any

from vawsum_agent.aws.errors import mapped

if TYPE_CHECKING:
    from vawsum_agent.aws.session import AwsSession

_REGION_FIELD = 3
_NOT_IN_GROUPS = re.compile(r"[^!-~]")
_LONGEST_GROUP = 128


class SnsClient:
    """The calls of the alerts capability; ``packaging/iam/alerts.json`` allows exactly these.

    Args:
        session: whose credentials are used.
        sender: names the host. A FIFO topic keeps the order of what one sender publishes; none waits for others.
    """

    def __init__(self, session: AwsSession, sender: str) -> None:
        self._session = session
        # API: Publish, MessageGroupId: up to 128 letters, digits and punctuation marks of ASCII.
        self._group = _NOT_IN_GROUPS.sub("?", sender)[:_LONGEST_GROUP]
        self._clients: dict[str, Any] = {}
        self._making = threading.Lock()

    def publish(self, topic_arn: str, subject: str, message: str, *, key: str = "") -> str:
        """Publish one message; who calls sees to it that subject and message are what the service takes.

        Args:
            topic_arn: of the topic; its region is the one that is called.
            subject: under 100 printable ASCII characters (API: Publish).
            message: up to 256 KiB of UTF-8.
            key: what makes the message the same one when it is sent again. A FIFO topic drops repetitions of five
                minutes by it; other topics deliver them.

        Returns:
            The service's id of the message.

        Raises:
            Throttled, AccessDenied: not done; trying again may help.
            Unavailable: perhaps done, see its ``maybe_done``.
            NotFound: the topic does not exist.
            Rejected: the message, or the topic, is invalid.
        """
        arguments = {"TopicArn": topic_arn, "Subject": subject, "Message": message}
        if topic_arn.endswith(".fifo"):
            sameness = hashlib.sha256((key or f"{subject}\n{message}").encode("utf-8", "replace")).hexdigest()
            arguments |= {"MessageGroupId": self._group, "MessageDeduplicationId": sameness}
        with mapped("sns:Publish", topic_arn):
            answer = self._client(topic_arn).publish(**arguments)
            return str(answer["MessageId"])

    def _client(self, topic_arn: str) -> Any:  # noqa: ANN401 - botocore's
        region = region_of(topic_arn)
        with self._making:
            if region not in self._clients:
                self._clients[region] = self._session.in_region(region).client("sns")
            return self._clients[region]


def region_of(topic_arn: str) -> str:
    """Read the region out of a topic's ARN: ``arn:aws:sns:ap-south-1:123456789012:vawsum-ops``."""
    return topic_arn.split(":")[_REGION_FIELD]
