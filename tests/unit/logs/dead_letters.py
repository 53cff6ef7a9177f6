"""Dead letters for tests, and a CloudWatch in memory that takes or refuses them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.aws.logs import RejectedEvents
from vawsum_agent.core.errors import NotFound, Rejected
from vawsum_agent.logs.batch.event import events_of
from vawsum_agent.logs.batch.limits import TOO_NEW_S, TOO_OLD_S

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vawsum_agent.logs.deadletter import DeadLetters, Letter

NOW_S = 1_790_000_000.0
NOW_MS = int(NOW_S * 1000)


class FixedClock:
    """A clock that stands."""

    def now(self) -> float:
        """See `Clock.now`."""
        return NOW_S

    def monotonic(self) -> float:
        """See `Clock.monotonic`."""
        return 0.0


def letter(
    number: int, *, reason: str = "refused", stream: str = "s", group: str = "/g", at_ms: int = NOW_MS
) -> Letter:
    """Return one event, told apart by its number."""
    return {
        "id": f"1-0-{number}-0",
        "log_group": group,
        "log_stream": stream,
        "timestamp": at_ms,
        "message": f"message {number}",
        "reason": reason,
        "source": "access",
        "path": "/var/log/access.log",
        "at": "2026-09-21T00:00:00.000Z",
    }


def kept(letters: DeadLetters) -> list[str]:
    """Return the messages that are there, in order."""
    return [found["message"] for segment in letters.segments() for found in letters.read(segment)]


class Service:
    """Takes what PutLogEvents takes.

    Attributes:
        stored: (group, stream, time, message) of what was accepted.
        poison: a message that has this in it makes its request invalid.
        failures: raised, one a call, before anything is done; None lets a call through.
    """

    def __init__(self) -> None:
        self.stored: list[tuple[str, str, int, str]] = []
        self.sizes: list[int] = []
        self.poison = "\0"
        self.failures: Iterator[BaseException | None] = iter(())
        self.streams: set[tuple[str, str]] = set()
        self.groups: set[str] = set()

    def put(self, group: str, stream: str, body: bytes) -> RejectedEvents:
        """See `LogsClient.put`."""
        failure = next(self.failures, None)
        if failure is not None:
            raise failure
        if (group, stream) not in self.streams:
            raise NotFound("no such stream", code="ResourceNotFoundException")
        events = events_of(body)
        assert events == sorted(events, key=lambda event: event[0])
        assert events[-1][0] - events[0][0] <= 86_400_000
        if any(self.poison in message for _, message in events):
            raise Rejected("invalid", code="InvalidParameterException")
        old = sum(time_ms < NOW_MS - TOO_OLD_S * 1000 for time_ms, _ in events)
        new = next((at for at, (time_ms, _) in enumerate(events) if time_ms > NOW_MS + TOO_NEW_S * 1000), None)
        self.sizes.append(len(events))
        self.stored += ((group, stream, time_ms, message) for time_ms, message in events[old:new])
        return RejectedEvents(too_old_end=old, too_new_start=new)

    def create_group(self, group: str, retention_days: int, kms_key_id: str) -> None:
        """See `LogsClient.create_group`."""
        assert (retention_days, kms_key_id) == (30, "key")
        self.groups.add(group)

    def create_stream(self, group: str, stream: str) -> None:
        """See `LogsClient.create_stream`."""
        if group not in self.groups:
            raise NotFound("no such group", code="ResourceNotFoundException")
        self.streams.add((group, stream))

    def messages(self) -> list[str]:
        """Return the messages that were accepted, in order."""
        return [message for _, _, _, message in self.stored]
