"""Where else a deploy shows: a log event at its start and end for dashboards, a notification when it failed.

Best effort, within a few seconds: a host whose deploy can't be announced is still better off deployed, or taken back.
The journal, which the daemon watches, has all of it anyway.
"""

from __future__ import annotations

import gzip
import threading
from functools import cached_property
from typing import TYPE_CHECKING

import orjson
import structlog

from vawsum_agent.alerts.message import body_text, subject_line
from vawsum_agent.aws.logs import LogsClient
from vawsum_agent.aws.sns import SnsClient
from vawsum_agent.cli.deploy_result import document, lines
from vawsum_agent.core.clock import rfc3339
from vawsum_agent.core.errors import AwsError, NotFound
from vawsum_agent.deploy.machine import End

if TYPE_CHECKING:
    from collections.abc import Callable

    from vawsum_agent.aws.session import AwsSession
    from vawsum_agent.core.clock import Clock
    from vawsum_agent.core.identity import Identity
    from vawsum_agent.deploy.record import Record

_log = structlog.get_logger()

_PATIENCE_S = 10.0
_LAST_LINES = 40
_RETENTION_DAYS = 90


class HostMarks:
    """Announces the deploys of this host; see `vawsum_agent.deploy.work.Marks`.

    Args:
        topic_arn: who is notified; empty for nobody.
        last_lines: what a deploy said last.
    """

    def __init__(
        self,
        session: AwsSession,
        identity: Identity,
        topic_arn: str,
        clock: Clock,
        last_lines: Callable[[Record, int], list[str]],
    ) -> None:
        self._session = session
        self._identity = identity
        self._topic_arn = topic_arn
        self._clock = clock
        self._last_lines = last_lines
        self._announcing: threading.Thread | None = None

    def began(self, record: Record) -> None:
        """See `Marks.began`. The deploy goes on meanwhile: it does not wait for a dashboard."""
        message = self._message(record, "deploy_began")
        self._announcing = _beside(lambda: self._mark(message))

    def ended(self, record: Record) -> None:
        """See `Marks.ended`. Waits for all of it, since the process ends now."""
        if self._announcing is not None:
            self._announcing.join(_PATIENCE_S)
        message = self._message(record, "deploy_ended")
        _beside(lambda: self._mark(message)).join(_PATIENCE_S)
        if record.end != End.DEPLOYED and self._topic_arn:
            _beside(lambda: self._notify(record)).join(_PATIENCE_S)

    @cached_property
    def _logs(self) -> LogsClient:
        """Of both marks: one follows the other."""
        return LogsClient(self._session)

    def _message(self, record: Record, event: str) -> str:
        host = self._identity
        told = {name: value for name, value in document(record).items() if name != "steps"}
        return orjson.dumps({"event": event, "instance_id": host.instance_id, "role": host.role} | told).decode()

    def _mark(self, message: str) -> None:
        host = self._identity
        group, stream = f"/vawsum/{host.environment}/deploys", host.instance_id
        events = [{"message": message, "timestamp": int(self._clock.now() * 1000)}]
        body = orjson.dumps({"logEvents": events, "logGroupName": group, "logStreamName": stream})
        try:
            self._logs.put(group, stream, gzip.compress(body))
        except NotFound:
            self._logs.create_group(group, _RETENTION_DAYS, "")
            self._logs.create_stream(group, stream)
            self._logs.put(group, stream, gzip.compress(body))

    def _notify(self, record: Record) -> None:
        host = self._identity
        what = "STUCK" if record.end == End.STUCK else "TAKEN BACK"
        subject = f"[DEPLOY {what}] {record.app} on {host.instance_id} ({host.environment} {host.role})"
        said = self._last_lines(record, _LAST_LINES)
        body = "\n".join(
            [
                *lines(record),
                "",
                f"Where: instance {host.instance_id}, host {host.hostname}",
                f"Deploy: {record.deploy_id}, a {record.kind} by {record.by or 'nobody known'}",
                f"Began: {rfc3339(record.began_at)}",
                f"More: `vawsum-agent deploy history --app {record.app}` on the host",
                "",
                "What it said last:",
                *said,
            ]
        )
        client = SnsClient(self._session, host.instance_id)
        client.publish(self._topic_arn, subject_line(subject), body_text(body), key=record.deploy_id)


def _beside(announce: Callable[[], None]) -> threading.Thread:
    """Announce in a thread of its own, which dies with the process."""

    def run() -> None:
        try:
            announce()
        except AwsError as error:
            _log.warning("deploy_not_announced", error=error.message, hint=error.hint)

    thread = threading.Thread(target=run, name="announcing", daemon=True)
    thread.start()
    return thread
