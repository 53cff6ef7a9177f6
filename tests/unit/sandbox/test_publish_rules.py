"""Publish refuses what SNS refuses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.aws.account import TOPIC_ARN
from sandbox.aws.answers import ServiceError
from sandbox.aws.publish_rules import MESSAGE_LIMIT_BYTES, check_publish

REGION = "ap-south-1"
WHOLE = {"TopicArn": TOPIC_ARN, "Subject": "s", "Message": "m"}


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"TopicArn": ""}, "no value for required parameter"),
        ({"TopicArn": "vawsum-ops"}, "An ARN must have at least 6 elements, not 1"),
        ({"TopicArn": TOPIC_ARN.replace("ap-south-1", "eu-west-1")}, "Invalid parameter: TopicArn"),
        ({"TopicArn": TOPIC_ARN.replace("sns", "sqs")}, "Invalid parameter: TopicArn"),
        ({"Subject": ""}, "Subject"),
        ({"Subject": "x" * 101}, "Subject"),
        ({"Subject": "two\nlines"}, "Subject"),
        ({"Subject": " begins with a space"}, "Subject"),
        ({"Subject": "naïve"}, "Subject"),
        ({"Subject": "tab\t"}, "Subject"),
        ({"Message": ""}, "Empty message"),
        ({"Message": "ü" * (MESSAGE_LIMIT_BYTES // 2) + "x"}, "Message too long"),
        ({"Message": "x" * MESSAGE_LIMIT_BYTES, "MessageAttributes.entry.1.Name": "a"}, "Message too long"),
        ({"MessageDeduplicationId": "x"}, "not valid for this topic type"),
        ({"MessageGroupId": "with space"}, "MessageGroupId"),
        ({"TopicArn": f"{TOPIC_ARN}.fifo"}, "MessageGroupId parameter is required"),
        ({"TopicArn": f"{TOPIC_ARN}.fifo", "MessageGroupId": "g"}, "MessageDeduplicationId parameter is required"),
        ({"PhoneNumber": "+91"}, "does not know PhoneNumber"),
    ],
)
def test_wrong_messages_are_refused(changes: dict[str, str], part: str) -> None:
    """The topic is an ARN of this region, the subject a printable line, the message of 1 to 262,144 bytes."""
    with pytest.raises(ServiceError) as caught:
        check_publish({**WHOLE, **changes}, REGION)
    assert part in caught.value.message
    assert caught.value.is_violation


def test_messages_at_the_limits_are_taken() -> None:
    """100 characters of subject, 262,144 bytes of message, and no subject at all."""
    check_publish({**WHOLE, "Subject": "(" + "x" * 99, "Message": "ü" * (MESSAGE_LIMIT_BYTES // 2)}, REGION)
    check_publish({"TopicArn": TOPIC_ARN, "Message": "m"}, REGION)


@given(
    st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=100),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
)
def test_any_printable_line_is_a_subject(subject: str, message: str) -> None:
    """Nothing within the rules is refused."""
    check_publish({**WHOLE, "Subject": subject, "Message": message}, REGION)
