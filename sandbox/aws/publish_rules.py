"""The rules of Publish, as pure functions. Source: the API reference, and the service's own messages."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sandbox.aws.answers import invalid
from sandbox.aws.front_service import text_of

if TYPE_CHECKING:
    from sandbox.aws.front_service import Parameters

MESSAGE_LIMIT_BYTES = 262_144
_SUBJECT = re.compile(r"[!-~][ -~]{0,99}")
_ORDER_KEY = re.compile(r"[!-~]{1,128}")
_ARN_PARTS = 6
_UNKNOWN = ("TargetArn", "PhoneNumber", "MessageStructure")


def check_publish(params: Parameters, region: str) -> None:
    """Raise what is wrong with a message, in the service's words. Whether the topic exists is not asked here."""
    for key in _UNKNOWN:
        if key in params:
            raise invalid(f"Invalid parameter: the sandbox does not know {key}")
    _check_topic(text_of(params, "TopicArn"), region)
    if "Subject" in params and not _SUBJECT.fullmatch(params["Subject"]):
        raise invalid("Invalid parameter: Subject")
    _check_order(params)
    if not params.get("Message"):
        raise invalid("Invalid parameter: Empty message")
    # Attributes count: their names, types and values are all in the form.
    attributes = sum(len(value.encode()) for key, value in params.items() if key.startswith("MessageAttributes."))
    if len(params["Message"].encode()) + attributes > MESSAGE_LIMIT_BYTES:
        raise invalid("Invalid parameter: Message too long")


def _check_topic(arn: str, region: str) -> None:
    if not arn:
        raise invalid("Invalid parameter: TopicArn or TargetArn Reason: no value for required parameter")
    parts = arn.split(":")
    if len(parts) < _ARN_PARTS:
        text = f"An ARN must have at least {_ARN_PARTS} elements, not {len(parts)}"
        raise invalid(f"Invalid parameter: TopicArn Reason: {text}")
    if parts[:4] != ["arn", "aws", "sns", region]:
        raise invalid("Invalid parameter: TopicArn")


def _check_order(params: Parameters) -> None:
    """A FIFO topic wants a group and, since none here goes by content, a deduplication id; others take no such id."""
    is_fifo = text_of(params, "TopicArn").endswith(".fifo")
    for key in ("MessageGroupId", "MessageDeduplicationId"):
        if is_fifo and key not in params:
            raise invalid(f"Invalid parameter: The {key} parameter is required for FIFO topics")
        if key in params and not _ORDER_KEY.fullmatch(params[key]):
            raise invalid(f"Invalid parameter: {key}")
    if "MessageDeduplicationId" in params and not is_fifo:
        raise invalid("Invalid parameter: MessageDeduplicationId Reason: it is not valid for this topic type")
