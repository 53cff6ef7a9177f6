"""Publish and GetTopicAttributes of SNS, carried out by the front, and what was published. The rest is moto's."""

from __future__ import annotations

import threading
import time
import uuid
from typing import TYPE_CHECKING, Any, NamedTuple

from sandbox.aws.account import ACCOUNT_ID
from sandbox.aws.answers import ServiceError
from sandbox.aws.dialects import Query
from sandbox.aws.front_service import Subject, text_of
from sandbox.aws.publish_rules import check_publish

if TYPE_CHECKING:
    from sandbox.aws.books import Books
    from sandbox.aws.front_service import Operation, Parameters
    from sandbox.aws.settings import Settings

NAMESPACE = "http://sns.amazonaws.com/doc/2010-03-31/"
DEDUPLICATION_S = 300.0
_CODES = {
    "AccessDeniedException": ("AuthorizationError", 403),
    "InternalFailure": ("InternalError", 500),
    "InvalidParameterException": ("InvalidParameter", 400),
}


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
        self._recent: dict[tuple[str, str], tuple[float, str]] = {}
        self._lock = threading.Lock()
        self.dialect = Query(NAMESPACE, _CODES)
        self.operations: dict[str, Operation] = {
            "Publish": self._publish,
            "GetTopicAttributes": self._get_topic_attributes,
        }

    def published(self) -> list[Notification]:
        """Return all accepted messages, in the order of acceptance."""
        with self._lock:
            return list(self._published)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._published.clear()
            self._recent.clear()

    def subject(self, _operation: str, params: Parameters, _region: str) -> Subject:
        """Tell what a request is about: a topic, and for `poison` subject and message."""
        topic = text_of(params, "TopicArn")
        texts = (text_of(params, "Subject"), text_of(params, "Message"))
        return Subject(target=topic, group=topic, resource=topic or "*", texts=texts)

    def _publish(self, params: Parameters, request_id: str, region: str) -> dict[str, Any]:
        check_publish(params, region)
        topic = self._known(params)
        now_ms, message_id = self._settings.now_ms(), str(uuid.uuid4())
        made = Notification(message_id, topic, text_of(params, "Subject"), params["Message"], now_ms, request_id)
        with self._lock:
            earlier = self._earlier(topic, text_of(params, "MessageDeduplicationId"), message_id)
            if earlier:
                return {"MessageId": earlier}
            self._published.append(made)
        self._books.add(notifications_accepted=1)
        return {"MessageId": message_id}

    def _earlier(self, topic: str, key: str, message_id: str) -> str:
        """Return the id of a message that a FIFO topic takes this one for, if any; the lock is held."""
        if not key:
            return ""
        now = time.monotonic()
        begun, first = self._recent.get((topic, key), (now, ""))
        if first and now - begun < DEDUPLICATION_S:
            return first
        self._recent[topic, key] = (now, message_id)
        return ""

    def _get_topic_attributes(self, params: Parameters, _request_id: str, _region: str) -> dict[str, Any]:
        topic = self._known(params)
        attributes = {
            "TopicArn": topic,
            "Owner": ACCOUNT_ID,
            "SubscriptionsConfirmed": self._settings.topic_subscription_count,
            "SubscriptionsPending": 0,
            "SubscriptionsDeleted": 0,
        }
        return {"Attributes": {"entry": tuple({"key": key, "value": value} for key, value in attributes.items())}}

    def _known(self, params: Parameters) -> str:
        topic = text_of(params, "TopicArn")
        if topic not in self._settings.topics:
            raise ServiceError("NotFound", "Topic does not exist", status=404)
        return topic
