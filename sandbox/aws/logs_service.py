"""The operations of CloudWatch Logs that the front carries out itself."""

from __future__ import annotations

import random
import threading
import time
from typing import TYPE_CHECKING, Any

from sandbox.aws import parameters as given
from sandbox.aws.account import ACCOUNT_ID
from sandbox.aws.answers import ServiceError, invalid
from sandbox.aws.dialects import Json11
from sandbox.aws.front_service import Subject, text_of
from sandbox.aws.log_pages import (
    EMPTY_PAGES_IN_A_ROW,
    PAGE_LIMIT_COUNT,
    Range,
    Token,
    empty_page,
    fill_page,
    first_token,
)
from sandbox.aws.put_rules import DAY_MS, check_batch, judge

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.aws.books import Books
    from sandbox.aws.front_service import Operation
    from sandbox.aws.log_store import LogGroup, LogStore, LogStream, StoredBatch
    from sandbox.aws.parameters import Parameters
    from sandbox.aws.settings import Settings

MAX_MS = (1 << 63) - 1
RETENTION_DAYS = frozenset(
    {1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}
)
_ON_STREAM = frozenset({"PutLogEvents", "GetLogEvents"})


class LogsService:
    """CloudWatch Logs over a `LogStore`. Every operation takes parameters and returns the answer's document."""

    name = "logs"
    is_complete = True

    def __init__(self, store: LogStore, settings: Settings, books: Books, seed: int) -> None:
        self._store = store
        self._settings = settings
        self._books = books
        self._dice = random.Random(seed)
        self._dice_lock = threading.Lock()
        self.dialect = Json11()
        self.operations: dict[str, Operation] = {
            "PutLogEvents": self._put_log_events,
            "GetLogEvents": self._get_log_events,
            "CreateLogGroup": self._create_log_group,
            "CreateLogStream": self._create_log_stream,
            "DeleteLogGroup": self._delete_log_group,
            "PutRetentionPolicy": self._put_retention_policy,
            "DescribeLogGroups": self._describe_log_groups,
            "DescribeLogStreams": self._describe_log_streams,
        }

    def subject(self, operation: str, params: Parameters, region: str) -> Subject:
        """Tell what a request is about: a stream, and for `poison` the messages put there."""
        group, stream = (text_of(params, key) for key in ("logGroupName", "logStreamName"))
        is_put = operation == "PutLogEvents"
        return Subject(
            target=f"{group}:{stream}",
            group=group,
            resource=resource_of(operation, group, stream, region),
            lane=f"{group}:{stream}" if is_put else "",
            texts=tuple(_messages(params)) if is_put else (),
        )

    def _put_log_events(self, params: Parameters, request_id: str, _region: str) -> dict[str, Any]:
        group_name, stream_name = _names(params)
        batch = check_batch(params.get("logEvents"))
        group = self._store.group(group_name)
        stream = self._store.stream(group_name, stream_name)
        now_ms = self._settings.now_ms()
        verdict = judge(batch.timestamps, now_ms, group.retention_days)
        stream.append(
            batch.timestamps[verdict.first : verdict.last],
            batch.messages[verdict.first : verdict.last],
            ingestion_ms=now_ms,
            accepted_at=time.monotonic(),
            request_id=request_id,
        )
        stored = verdict.last - verdict.first
        self._books.add(events_accepted=stored, events_rejected=len(batch.timestamps) - stored)
        answer: dict[str, Any] = {"nextSequenceToken": f"{time.time_ns():056d}"}
        if verdict.rejected:
            answer["rejectedLogEventsInfo"] = verdict.rejected
        return answer

    def _get_log_events(self, params: Parameters, _request_id: str, _region: str) -> dict[str, Any]:
        stream = self._store.stream(*_names(params))
        limit = given.integer(params, "limit", 1, PAGE_LIMIT_COUNT) or PAGE_LIMIT_COUNT
        wanted = Range.of(
            given.integer(params, "startTime", 0, MAX_MS >> 1), given.integer(params, "endTime", 0, MAX_MS >> 1)
        )
        text = given.optional_text(params, "nextToken")
        token = Token.decode(text) if text else first_token(wanted, is_from_head=given.flag(params, "startFromHead"))
        if self._is_empty_page_due(token):
            page = empty_page(token)
        else:
            after = max(wanted.after, token.place) if token.is_forward else wanted.after
            before = wanted.before if token.is_forward else min(wanted.before, token.place)
            found = stream.events(after, before, is_backward=not token.is_forward, is_visible=self._visibility())
            page = fill_page(token, found, min(limit, self._settings.page_limit_count))
        return {
            "events": [
                {
                    "timestamp": event.place.timestamp,
                    "message": event.message.decode(),
                    "ingestionTime": event.ingestion_ms,
                }
                for event in page.events
            ],
            "nextForwardToken": page.forward,
            "nextBackwardToken": page.backward,
        }

    def _is_empty_page_due(self, token: Token) -> bool:
        with self._dice_lock:
            is_due = self._dice.random() < self._settings.empty_page_rate
        return is_due and token.empty_count < EMPTY_PAGES_IN_A_ROW

    def _visibility(self) -> Callable[[StoredBatch, int], bool]:
        now, settings = time.monotonic(), self._settings
        fresh, old = now - settings.visibility_delay_s, now - settings.old_visibility_delay_s
        day_ago_ms = settings.now_ms() - DAY_MS
        return lambda batch, timestamp: batch.accepted_at <= (old if timestamp < day_ago_ms else fresh)

    def _create_log_group(self, params: Parameters, _request_id: str, _region: str) -> dict[str, Any]:
        name = given.text(params, "logGroupName", given.GROUP_NAME)
        key = given.text(params, "kmsKeyId", given.KMS_KEY_ID) if "kmsKeyId" in params else ""
        self._store.create_group(name, self._settings.now_ms(), key)
        return {}

    def _create_log_stream(self, params: Parameters, _request_id: str, _region: str) -> dict[str, Any]:
        self._store.create_stream(*_names(params), self._settings.now_ms())
        return {}

    def _delete_log_group(self, params: Parameters, _request_id: str, _region: str) -> dict[str, Any]:
        self._store.delete_group(given.text(params, "logGroupName", given.GROUP_NAME))
        return {}

    def _put_retention_policy(self, params: Parameters, _request_id: str, _region: str) -> dict[str, Any]:
        group = self._store.group(given.text(params, "logGroupName", given.GROUP_NAME))
        days = params.get("retentionInDays")
        if type(days) is not int or days not in RETENTION_DAYS:
            raise invalid(f"1 validation error detected: Value '{days}' at 'retentionInDays' failed to satisfy "
                          f"constraint: Member must satisfy enum value set: {sorted(RETENTION_DAYS)}")  # fmt: skip
        group.retention_days = days
        return {}

    def _describe_log_groups(self, params: Parameters, _request_id: str, region: str) -> dict[str, Any]:
        groups = self._store.groups(given.optional_text(params, "logGroupNamePrefix"))
        part, token = _page([(group.name, _describe_group(group, region)) for group in groups], params)
        return {"logGroups": part, **token}

    def _describe_log_streams(self, params: Parameters, _request_id: str, region: str) -> dict[str, Any]:
        group = given.text(params, "logGroupName", given.GROUP_NAME)
        prefix = given.optional_text(params, "logStreamNamePrefix")
        by_time = params.get("orderBy") == "LastEventTime"
        if by_time and prefix:
            raise invalid("Cannot order by LastEventTime with a logStreamNamePrefix.")
        rows = [_describe_stream(group, stream, region) for stream in self._store.streams(group, prefix)]
        if by_time:
            rows.sort(key=lambda row: row.get("lastEventTimestamp", 0))
        if given.flag(params, "descending"):
            rows.reverse()
        part, token = _page([(row["logStreamName"], row) for row in rows], params)
        return {"logStreams": part, **token}


def _names(params: Parameters) -> tuple[str, str]:
    group = given.text(params, "logGroupName", given.GROUP_NAME)
    return group, given.text(params, "logStreamName", given.STREAM_NAME)


def _page(rows: list[tuple[str, dict[str, Any]]], params: Parameters) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Cut one page out of all rows; the token is the name of the last row given."""
    start, token = 0, given.optional_text(params, "nextToken")
    if token:
        names = [name for name, _ in rows]
        if token not in names:
            raise ServiceError("InvalidParameterException", "The specified nextToken is invalid.", is_violation=True)
        start = names.index(token) + 1
    limit = given.integer(params, "limit", 1, 50) or 50
    part = rows[start : start + limit]
    return [row for _, row in part], {"nextToken": part[-1][0]} if start + limit < len(rows) else {}


def group_arn(name: str, region: str) -> str:
    """Return a log group's ARN, without the `:*` that stands for its streams."""
    return f"arn:aws:logs:{region}:{ACCOUNT_ID}:log-group:{name}"


def resource_of(operation: str, group: str, stream: str, region: str) -> str:
    """Return the ARN an operation is checked against, in the service's own form."""
    return f"{group_arn(group, region)}:log-stream:{stream if operation in _ON_STREAM else ''}"


def _messages(params: Parameters) -> list[str]:
    events = params.get("logEvents")
    found = [event.get("message") for event in events if isinstance(event, dict)] if isinstance(events, list) else []
    return [message for message in found if isinstance(message, str)]


def _describe_group(group: LogGroup, region: str) -> dict[str, Any]:
    row: dict[str, Any] = {
        "logGroupName": group.name,
        "creationTime": group.creation_ms,
        "metricFilterCount": 0,
        "arn": f"{group_arn(group.name, region)}:*",
        "logGroupArn": group_arn(group.name, region),
        "storedBytes": 0,  # the service fills it in days later, too
        "logGroupClass": "STANDARD",
    }
    if group.retention_days is not None:
        row["retentionInDays"] = group.retention_days
    if group.kms_key_id:
        row["kmsKeyId"] = group.kms_key_id
    return row


def _describe_stream(group: str, stream: LogStream, region: str) -> dict[str, Any]:
    row: dict[str, Any] = {
        "logStreamName": stream.name,
        "creationTime": stream.creation_ms,
        "arn": f"{group_arn(group, region)}:log-stream:{stream.name}",
        "storedBytes": 0,
        "uploadSequenceToken": f"{stream.creation_ms:056d}",
    }
    with stream.lock:
        batches = list(stream.batches)
    if batches:
        row["firstEventTimestamp"] = min(batch.timestamps[0] for batch in batches)
        row["lastEventTimestamp"] = max(batch.timestamps[-1] for batch in batches)
        row["lastIngestionTime"] = batches[-1].ingestion_ms
    return row
