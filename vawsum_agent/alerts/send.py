"""Sends what waits in the outbox, oldest first, one a turn; backs off while SNS does not take it.

At least once: a message whose answer is lost is sent again, since SNS can't be asked whether it has one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import structlog

from vawsum_agent.alerts.message import body_text, late_note, subject_line
from vawsum_agent.core.backoff import backoff_s
from vawsum_agent.core.errors import AccessDenied, AwsError, NotFound, Rejected

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from vawsum_agent.alerts.message import Writer
    from vawsum_agent.alerts.outbox import Outbox
    from vawsum_agent.core.clock import Clock
    from vawsum_agent.state.notifications import Waiting

_log = structlog.get_logger()

_FIRST_S = 1.0
_LONGEST_S = 120.0
LONGEST_WHILE_DRAINING_S = 5.0


class Publisher(Protocol):
    """What the alerts need of SNS."""

    def publish(self, topic_arn: str, subject: str, message: str, *, key: str = "") -> str:
        """See `vawsum_agent.aws.sns.SnsClient.publish`."""
        ...


class Sender:
    """Owned by one thread; attributes may be read by any.

    Attributes:
        failing_since: monotonic time since when nothing was taken; None while all is.
        error: why; None while all is taken.
        last_sent_at: wall time; None before the first.
        last_message: subject, time and id of the last one that was sent.
    """

    def __init__(
        self,
        publisher: Publisher,
        topic_arn: str,
        outbox: Outbox,
        writer: Callable[[], Writer],
        clock: Clock,
        dice: random.Random,
    ) -> None:
        self._publisher = publisher
        self._topic_arn = topic_arn
        self._outbox = outbox
        self._writer = writer
        self._clock = clock
        self._dice = dice
        self._failures = 0
        self._retry_at = float("-inf")
        self._refused: set[int] = set()
        self.is_draining = False
        self.failing_since: float | None = None
        self.error: AwsError | None = None
        self.last_sent_at: float | None = None
        self.last_message: dict[str, object] | None = None

    def turn(self) -> bool:
        """Send the next one when it is time; True when the one after it can go at once."""
        waiting = self._outbox.next(self._refused)
        if waiting is None and self._refused:
            self._refused.clear()
            waiting = self._outbox.next()
        if waiting is None or self._clock.monotonic() < self._retry_at:
            return False
        self._outbox.begin(waiting)
        try:
            # If we die from here until it is settled, the next start sends it again.
            message_id, subject = self._publish(waiting)
        except AwsError as error:
            self._failed(waiting, error)
            return False
        self._outbox.settle(waiting)
        self._succeeded(waiting, subject, message_id)
        return True

    def hurry(self) -> None:
        """Try again soon: the daemon is about to end."""
        self.is_draining = True
        self._failures = 0
        self._retry_at = float("-inf")

    def _publish(self, waiting: Waiting) -> tuple[str, str]:
        subject, body = waiting.subject, waiting.body
        if waiting.folded:
            letter = self._writer().left_out(waiting.folded, waiting.created_at, waiting.last_at)
            subject, body = letter.subject, letter.body
        subject = subject_line(subject)
        text = body_text(body) + late_note(waiting.created_at, self._clock.now())
        key = f"{waiting.notification_id} {waiting.created_at} {waiting.folded} {subject}\n{body}"
        return self._publisher.publish(self._topic_arn, subject, text, key=key), subject

    def _failed(self, waiting: Waiting, error: AwsError) -> None:
        if isinstance(error, Rejected):
            # Perhaps it is this one's fault: the others go first, then it is tried again.
            self._refused.add(waiting.notification_id)
        if self.failing_since is None:
            self.failing_since = self._clock.monotonic()
            _log.warning("notifications_failing", error=error.message, hint=remedy(error), topic=self._topic_arn)
        self.error = error
        self._failures += 1
        longest_s = LONGEST_WHILE_DRAINING_S if self.is_draining else _LONGEST_S
        wait_s = backoff_s(self._failures - 1, self._dice.random(), first_s=_FIRST_S, longest_s=longest_s)
        self._retry_at = self._clock.monotonic() + wait_s

    def _succeeded(self, waiting: Waiting, subject: str, message_id: str) -> None:
        now = self._clock.now()
        _log.info("notification_sent", subject=subject, message_id=message_id, created_at=waiting.created_at)
        if self.failing_since is not None:
            _log.info("notifications_recovered", topic=self._topic_arn)
        self.failing_since, self.error, self._failures, self._retry_at = None, None, 0, float("-inf")
        self.last_sent_at = now
        self.last_message = {"subject": subject, "message_id": message_id}


def is_hopeless(error: AwsError | None) -> bool:
    """Whether somebody has to mend something before any message gets through."""
    return isinstance(error, AccessDenied | NotFound | Rejected)


def remedy(error: AwsError) -> str:
    """What a person does about an error of publishing."""
    if isinstance(error, NotFound):
        return "create the topic, or correct notify.sns_topic_arn"
    if isinstance(error, Rejected):
        return "check notify.sns_topic_arn and the topic's KMS key: vawsum-agent doctor"
    if isinstance(error, AccessDenied) and error.code.startswith("KMS"):
        return "allow kms:GenerateDataKey and kms:Decrypt on the topic's key in the instance role's policy"
    return error.hint
