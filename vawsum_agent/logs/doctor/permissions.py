"""Which of the calls of `packaging/iam/logs.json` are allowed on the configured log groups; asked without changing any.

A missing permission is told with the fragment of a policy that grants it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from vawsum_agent.core.errors import AccessDenied, NotFound, Rejected, Throttled
from vawsum_agent.core.finding import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from vawsum_agent.aws.logs_probe import LogsProbe

_PROBE_SUFFIX = ".doctor-probe"
_LONGEST_STREAM = 512
_TRIES = 4
_PAUSE_S = 0.5
_POLICY_CODES = frozenset({"AccessDenied", "AccessDeniedException", "NotAuthorized", "UnauthorizedOperation"})

_WITHOUT = {
    "PutLogEvents": "nothing is delivered",
    "CreateLogStream": "logs without a stream yet are not delivered",
    "CreateLogGroup": "a missing group is not created, and its logs are not delivered",
    "PutRetentionPolicy": "a group that the agent creates keeps its events for ever",
    "GetLogEvents": "delivery is at least once: what perhaps arrived is sent again unasked",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one call: None in place of an error where it was carried out."""

    error: AccessDenied | NotFound | Rejected | None

    @property
    def is_denied(self) -> bool:
        """Whether the policy forbids it."""
        return isinstance(self.error, AccessDenied)

    def says_missing(self, what: str) -> bool:
        """Whether the service looked and did not find this."""
        return isinstance(self.error, NotFound) and f"log {what}" in self.error.message


class CredentialsRefused(Exception):
    """AWS does not accept who we are: nothing more can be asked."""

    def __init__(self, error: AccessDenied) -> None:
        super().__init__(error.message)
        self.error = error


def permissions(probe: LogsProbe, group: str, streams: Sequence[str]) -> Iterator[Finding]:
    """Ask for one log group.

    Args:
        probe: how to ask.
        group: the log group.
        streams: names of streams that are, or will be, in it; at least one.

    Raises:
        CredentialsRefused: it is not about permissions.
        AwsError: no usable answer.
    """
    denied = _denied_actions(probe, group, streams)
    for action, is_needed_now in denied.items():
        severity = Severity.PROBLEM if is_needed_now else Severity.WARNING
        what = f"logs:{action} is not allowed: {_WITHOUT[action]}"
        resource = resource_of(action, group, probe.region)
        statement = {"Effect": "Allow", "Action": f"logs:{action}", "Resource": resource}
        remedy = f"add to the role's policy: {orjson.dumps(statement).decode()}"
        yield Finding(severity, what, group, remedy)
    if not denied:
        yield Finding(Severity.OK, "every call that the agent makes is allowed", group)


def resource_of(action: str, group: str, region: str) -> str:
    """Name what an action needs to be allowed on, as IAM names it."""
    partition = "aws-cn" if region.startswith("cn-") else "aws-us-gov" if region.startswith("us-gov-") else "aws"
    suffix = ":log-stream:*" if action in {"PutLogEvents", "GetLogEvents"} else ":*"
    return f"arn:{partition}:logs:{region}:*:log-group:{group}{suffix}"


def _denied_actions(probe: LogsProbe, group: str, streams: Sequence[str]) -> dict[str, bool]:
    """Ask everything; gives the denied actions, and whether each stops the delivery that is due."""
    missing_stream = streams[0][: _LONGEST_STREAM - len(_PROBE_SUFFIX)] + _PROBE_SUFFIX
    put = _ask(lambda: probe.put(group, missing_stream))
    get = _ask(lambda: probe.get(group, missing_stream))
    is_missing = put.says_missing("group") or get.says_missing("group")
    is_there = put.says_missing("stream") or get.says_missing("stream")
    create_group = _ask(lambda: probe.create_group(group, is_there=is_there))
    known = missing_stream if is_missing else _existing(probe, group, streams)
    create_stream = _ask(lambda: probe.create_stream(group, known))
    retention = _ask(lambda: probe.set_retention(group))
    answers = {
        "PutLogEvents": (put, True),
        "CreateLogStream": (create_stream, True),
        "CreateLogGroup": (create_group, not is_there),
        "PutRetentionPolicy": (retention, False),
        "GetLogEvents": (get, False),
    }
    return {action: is_needed for action, (answer, is_needed) in answers.items() if answer.is_denied}


def _existing(probe: LogsProbe, group: str, streams: Sequence[str]) -> str | None:
    """Find a stream that is there, so that creating it changes nothing."""
    most = 5
    return next((name for name in streams[:most] if _ask(lambda name=name: probe.get(group, name)).error is None), None)  # type: ignore[misc]


def _ask(call: Callable[[], None]) -> Answer:
    for tries in range(1, _TRIES + 1):
        try:
            call()
        except AccessDenied as exc:
            if exc.code not in _POLICY_CODES:
                raise CredentialsRefused(exc) from exc
            return Answer(exc)
        except (NotFound, Rejected) as exc:
            return Answer(exc)
        except Throttled:
            if tries == _TRIES:
                raise
            time.sleep(_PAUSE_S * tries)
        else:
            break
    return Answer(None)
