"""Publish of SNS, carried out by the front, and what was published. Everything else of SNS is moto's."""

from __future__ import annotations

import re
import threading
import uuid
from typing import TYPE_CHECKING, Any, NamedTuple

from sandbox.aws.answers import ServiceError, invalid
from sandbox.aws.dialects import Query
from sandbox.aws.front_service import Subject, text_of

if TYPE_CHECKING:
    from sandbox.aws.books import Books
    from sandbox.aws.front_service import Operation, Parameters
    from sandbox.aws.settings import Settings

MESSAGE_LIMIT_BYTES = 262_144
NAMESPACE = "http://sns.amazonaws.com/doc/2010-03-31/"
_SUBJECT = re.compile(r"[!-~][ -~]{0,99}")
_ARN_PARTS = 6
_CODES = {
    "AccessDeniedException": ("AuthorizationError", 403),
    "InternalFailure": ("InternalError", 500),
    "InvalidParameterException": ("InvalidParameter", 400),
}
_UNKNOWN = ("TargetArn", "PhoneNumber", "MessageStructure", "MessageGroupId", "MessageDeduplicationId")


class Notification(NamedTuple):
    """A message as accepted."""

    message_id: str
    topic: str
    subject: str
    message: str
    at_ms: int
    request_id: str


class SnsService:
    """Takes messages for the topics in the settings. Threads may call it at once."""

    name = "sns"
    is_complete = False

    def __init__(self, settings: Settings, books: Books) -> None:
        self._settings = settings
        self._books = books
        self._published: list[Notification] = []
        self._lock = threading.Lock()
        self.dialect = Query(NAMESPACE, _CODES)
        self.operations: dict[str, Operation] = {"Publish": self._publish}

    def published(self) -> list[Notification]:
        """Return all accepted messages, in the order of acceptance."""
        with self._lock:
            return list(self._published)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._published.clear()

    def subject(self, _operation: str, params: Parameters, _region: str) -> Subject:
        """Tell what a request is about: a topic, and for `poison` subject and message."""
        topic = text_of(params, "TopicArn")
        texts = (text_of(params, "Subject"), text_of(params, "Message"))
        return Subject(target=topic, group=topic, resource=topic or "*", texts=texts)

    def _publish(self, params: Parameters, request_id: str, region: str) -> dict[str, Any]:
        check_publish(params, region)
        topic = params["TopicArn"]
        if topic not in self._settings.topics:
            raise ServiceError("NotFound", "Topic does not exist", status=404)
        message_id = str(uuid.uuid4())
        subject = text_of(params, "Subject")
        at_ms = self._settings.now_ms()
        with self._lock:
            self._published.append(Notification(message_id, topic, subject, params["Message"], at_ms, request_id))
        self._books.add(notifications_accepted=1)
        return {"MessageId": message_id}


def check_publish(params: Parameters, region: str) -> None:
    """Raise what is wrong with a message, in the service's words. Whether the topic exists is not asked here."""
    for key in _UNKNOWN:
        if key in params:
            raise invalid(f"Invalid parameter: the sandbox does not know {key}")
    _check_topic(text_of(params, "TopicArn"), region)
    if "Subject" in params and not _SUBJECT.fullmatch(params["Subject"]):
        raise invalid("Invalid parameter: Subject")
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
