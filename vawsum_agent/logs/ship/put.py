"""One PutLogEvents, with group and stream created when they are missing. Blocking; safe to share between threads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import structlog

from vawsum_agent.core.errors import AwsError, NotFound, Rejected, Unavailable

if TYPE_CHECKING:
    from vawsum_agent.aws.logs import RejectedEvents

_log = structlog.get_logger()

INVALID = frozenset({"InvalidParameterException", "ValidationException", "SerializationException", "413"})
"""Codes that speak of the events; any other refusal speaks of the destination and is tried again later."""


class CloudWatch(Protocol):
    """What is called of the service; `vawsum_agent.aws.logs.LogsClient` is it."""

    def put(self, group: str, stream: str, body: bytes) -> RejectedEvents:
        """PutLogEvents."""
        ...

    def create_group(self, group: str, retention_days: int, kms_key_id: str) -> None:
        """CreateLogGroup, PutRetentionPolicy."""
        ...

    def create_stream(self, group: str, stream: str) -> None:
        """CreateLogStream."""
        ...


@dataclass(frozen=True, slots=True)
class GroupSettings:
    """How a log group is created when it is missing."""

    retention_days: int
    kms_key_id: str


class Putter:
    """Puts what `Composer` made."""

    def __init__(self, client: CloudWatch, settings: GroupSettings) -> None:
        self._client = client
        self._settings = settings

    def put(self, group: str, stream: str, body: bytes) -> RejectedEvents:
        """Send one request.

        Raises:
            AwsError: as `LogsClient.put`; a group that can't be created is no Rejected, which would blame the events.
        """
        try:
            return self._client.put(group, stream, body)
        except NotFound:
            self._create(group, stream)
        return self._client.put(group, stream, body)

    def _create(self, group: str, stream: str) -> None:
        try:
            try:
                self._client.create_stream(group, stream)
            except NotFound:
                self._client.create_group(group, self._settings.retention_days, self._settings.kms_key_id)
                _log.info("log_group_created", group=group)
                self._client.create_stream(group, stream)
        except Unavailable as exc:
            exc.maybe_done = False  # the stream perhaps, the events not: they were not sent yet
            raise
        except Rejected as exc:
            message = f"can't create {group} {stream}: {exc.message}"
            raise AwsError(
                message, operation=exc.operation, code=exc.code, hint="check log_group and log_stream"
            ) from exc
        _log.info("log_stream_created", group=group, stream=stream)
