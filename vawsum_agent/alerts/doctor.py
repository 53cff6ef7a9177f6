"""What ``doctor`` says of notifications: whether the topic is there, may be published to, and is read by anybody."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from vawsum_agent.alerts.send import remedy
from vawsum_agent.aws.sns_probe import SnsProbe
from vawsum_agent.core.errors import AccessDenied, AwsError, NotFound, Rejected
from vawsum_agent.core.finding import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vawsum_agent.aws.session import AwsSession
    from vawsum_agent.config.model import NotifyConfig

_POLICY_CODES = frozenset({"AccessDenied", "AccessDeniedException", "AuthorizationError", "NotAuthorized"})


def checks(notify: NotifyConfig, session: AwsSession) -> Iterator[Finding]:
    """Ask without a message to anybody; see `SnsProbe`."""
    topic = notify.sns_topic_arn
    try:
        probe = SnsProbe(session, topic)
        yield _publish(probe, topic)
    except AwsError as error:
        yield Finding(Severity.PROBLEM, error.message, topic, remedy(error) or "check network, proxy and endpoint")
        return
    found = _subscribers(probe, topic)
    if found is not None:
        yield found


def _publish(probe: SnsProbe, topic: str) -> Finding:
    try:
        probe.publish_nothing()
    except Rejected as error:
        if error.code.startswith("KMS"):
            raise
    except AccessDenied as error:
        if error.code not in _POLICY_CODES:
            raise
        statement = {"Effect": "Allow", "Action": "sns:Publish", "Resource": topic}
        what = "sns:Publish is not allowed: nobody is told when something fails"
        return Finding(Severity.PROBLEM, what, topic, f"add to the role's policy: {json.dumps(statement)}")
    return Finding(Severity.OK, "notifications may be published", topic)


def _subscribers(probe: SnsProbe, topic: str) -> Finding | None:
    try:
        count = probe.subscriptions()
    except NotFound as error:
        return Finding(Severity.PROBLEM, error.message, topic, remedy(error))
    except AccessDenied:
        what = "not asked who gets them: sns:GetTopicAttributes is not allowed, and needed for nothing else"
        return Finding(Severity.OK, what, topic)
    except AwsError:
        return None  # publishing works; who reads it is not worth a complaint
    if count == 0:
        return Finding(
            Severity.WARNING,
            "nobody has confirmed a subscription: notifications reach no one",
            topic,
            f"aws sns subscribe --topic-arn {topic} --protocol email --notification-endpoint you@example.com",
        )
    return Finding(Severity.OK, f"{count} confirmed subscription{'' if count == 1 else 's'}", topic)
