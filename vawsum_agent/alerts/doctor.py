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

_TRY_IT = "run vawsum-agent notify test"
_POLICY_CODES = frozenset({"AccessDenied", "AccessDeniedException", "AuthorizationError", "NotAuthorized"})


def checks(notify: NotifyConfig, session: AwsSession) -> Iterator[Finding]:
    """Ask without a message to anybody; see `SnsProbe`."""
    topic = notify.sns_topic_arn
    try:
        probe = SnsProbe(session, topic)
        found = _topic(probe, topic)
        # Of a topic that does not exist nobody needs to hear that it may be published to.
        if found.severity is not Severity.PROBLEM:
            yield _publish(probe, topic)
        yield found
    except AwsError as error:
        yield Finding(Severity.PROBLEM, error.message, topic, remedy(error) or "check network, proxy and endpoint")


def _publish(probe: SnsProbe, topic: str) -> Finding:
    try:
        probe.publish_nothing()
    except Rejected as error:
        if error.code.startswith("KMS"):
            raise
    except AccessDenied as error:
        if error.code not in _POLICY_CODES:
            raise
        what = "sns:Publish is not allowed: nobody is told when something fails"
        return Finding(Severity.PROBLEM, what, topic, _allowing("sns:Publish", topic))
    return Finding(Severity.OK, "notifications may be published", topic)


def _topic(probe: SnsProbe, topic: str) -> Finding:
    """Look the topic up: publishing nothing is answered alike, whether there is one or not."""
    try:
        count = probe.subscriptions()
    except NotFound as error:
        return Finding(Severity.PROBLEM, error.message, topic, remedy(error))
    except AccessDenied as error:
        if error.code not in _POLICY_CODES:
            raise
        what = "the topic was not looked up, it may not exist: sns:GetTopicAttributes is not allowed"
        return Finding(Severity.WARNING, what, topic, f"{_TRY_IT}, or {_allowing('sns:GetTopicAttributes', topic)}")
    if count == 0:
        return Finding(
            Severity.WARNING,
            "nobody has confirmed a subscription: notifications reach no one",
            topic,
            f"aws sns subscribe --topic-arn {topic} --protocol email --notification-endpoint you@example.com",
        )
    return Finding(Severity.OK, f"{count} confirmed subscription{'' if count == 1 else 's'}", topic)


def _allowing(action: str, topic: str) -> str:
    statement = {"Effect": "Allow", "Action": action, "Resource": topic}
    return f"add to the role's policy: {json.dumps(statement)}"
