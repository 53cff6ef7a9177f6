"""CloudWatch Logs, as narrow as the agent needs it. One thread may call while others do.

``put`` takes a body that is built already (see `prepared`): botocore neither validates nor serialises
10,000 events one by one, which would cost more than all the rest of the way of a line.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog

from vawsum_agent.aws.errors import mapped
from vawsum_agent.aws.prepared import PreparedCall
from vawsum_agent.core.errors import Throttled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vawsum_agent.aws.session import AwsSession

_log = structlog.get_logger()

_PAGE_PAUSES_S = (0.2, 0.4, 0.8, 1.6, 3.2)
"""How long a throttled page is waited for, again and again: the quota is low and the account's, and a long stream begun
anew for each such answer would never be read to its end."""


@dataclass(frozen=True, slots=True)
class RejectedEvents:
    """Which events of an accepted batch the service refused, as index bounds (API: rejectedLogEventsInfo).

    Attributes:
        too_old_end, expired_end: all events before this index are refused; 0 for none.
        too_new_start: all events from this index on are refused; None for none.
    """

    too_old_end: int = 0
    expired_end: int = 0
    too_new_start: int | None = None


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """A log event as the service shows it."""

    timestamp_ms: int
    message: str


class LogsClient:
    """The calls of the logs capability; `packaging/iam/logs.json` allows exactly these."""

    def __init__(self, session: AwsSession) -> None:
        self._client: Any = session.client("logs", parameter_validation=False)
        self._put = PreparedCall(session, self._client, "PutLogEvents", "put_log_events")

    def put(self, group: str, stream: str, body: bytes) -> RejectedEvents:
        """Send one batch; ``body`` is the gzipped JSON of the whole request.

        Raises:
            Throttled, AccessDenied: not done; trying again may help.
            Unavailable: perhaps done, see its ``maybe_done``.
            NotFound: the group or the stream does not exist.
            Rejected: the whole batch is refused, and would be again.
        """
        with mapped("logs:PutLogEvents", f"{group} {stream}"):
            answer = self._put.call(body, logGroupName=group, logStreamName=stream, logEvents=[])
        return _rejected(answer.get("rejectedLogEventsInfo") or {})

    def events(self, group: str, stream: str, first_ms: int, last_ms: int) -> Iterator[StoredEvent]:
        """Read a stream from ``first_ms`` to ``last_ms``, both included, to its end token.

        Pages may be empty while more follow; only a token that repeats is the end (API: GetLogEvents).

        Raises:
            AwsError: as `put`; nothing is changed by asking, so any may be tried again.
        """
        token: str | None = None
        while True:
            arguments: dict[str, object] = {} if token is None else {"nextToken": token}
            page = self._page(group, stream, startTime=first_ms, endTime=last_ms + 1, startFromHead=True, **arguments)
            for event in page.get("events", ()):
                yield StoredEvent(event["timestamp"], event["message"])
            following = page.get("nextForwardToken")
            if following is None or following == token:
                return
            token = following

    def _page(self, group: str, stream: str, **arguments: object) -> dict[str, Any]:
        for pause_s in (*_PAGE_PAUSES_S, None):
            try:
                with mapped("logs:GetLogEvents", f"{group} {stream}"):
                    page: dict[str, Any] = self._client.get_log_events(
                        logGroupName=group, logStreamName=stream, **arguments
                    )
                    return page
            except Throttled:
                if pause_s is None:
                    raise
                time.sleep(pause_s * random.uniform(0.5, 1.0))  # noqa: S311 - jitter
        raise AssertionError

    def create_group(self, group: str, retention_days: int, kms_key_id: str) -> None:
        """Create a group with its retention and key; one that exists is left as it is. Raises AwsError."""
        arguments = {"kmsKeyId": kms_key_id} if kms_key_id else {}
        with mapped("logs:CreateLogGroup", group):
            if not self._created(self._client.create_log_group, logGroupName=group, **arguments):
                return
        # If we die here the group keeps its events for ever, which loses nothing; the doctor points it out.
        with mapped("logs:PutRetentionPolicy", group):
            self._client.put_retention_policy(logGroupName=group, retentionInDays=retention_days)

    def create_stream(self, group: str, stream: str) -> None:
        """Create a stream; one that exists is fine. Raises AwsError, NotFound when the group does not exist."""
        with mapped("logs:CreateLogStream", f"{group} {stream}"):
            self._created(self._client.create_log_stream, logGroupName=group, logStreamName=stream)

    def _created(self, create: Any, **arguments: object) -> bool:  # noqa: ANN401 - a botocore method
        try:
            create(**arguments)
        except self._client.exceptions.ResourceAlreadyExistsException:
            return False
        return True


def _rejected(info: dict[str, Any]) -> RejectedEvents:
    try:
        too_new = info.get("tooNewLogEventStartIndex")
        return RejectedEvents(
            too_old_end=int(info.get("tooOldLogEventEndIndex") or 0),
            expired_end=int(info.get("expiredLogEventEndIndex") or 0),
            too_new_start=None if too_new is None else max(0, int(too_new)),
        )
    except (AttributeError, TypeError, ValueError):
        # The batch is accepted, that much the answer says; which events it left out can't be read from it.
        _log.warning("rejected_info_unreadable", info=str(info)[:200])
        return RejectedEvents()
