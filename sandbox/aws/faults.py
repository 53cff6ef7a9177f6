"""Faults on demand: rules that match requests and are drawn with seeded dice."""

from __future__ import annotations

import random
import threading
import time
from dataclasses import asdict, dataclass, fields
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Sequence

Kind = Literal[
    # Errors in the words of CloudWatch Logs; other services say them in theirs.
    "throttle",  # 400 ThrottlingException; not carried out
    "unavailable",  # 503 ServiceUnavailableException; not carried out
    "failure",  # 500 InternalFailure; not carried out
    "failure_after",  # carried out, then 500
    "latency",  # latency_s more before it is carried out
    "hang",  # never answered, not carried out
    "hang_after",  # carried out, never answered
    "reset",  # connection reset before the body is read
    "drop",  # body read, then connection reset; not carried out
    "reset_after",  # carried out, then connection reset
    "poison",  # a request holding `text` (in a message, a metric's name, a dimension) is refused as invalid
    "deny",  # AccessDeniedException
    # S3 alone:
    "conflict",  # 409 ConditionalRequestConflict for a conditional write; not carried out
    "bandwidth",  # the body of a request is read, that of an object is sent, at bytes_per_s
    "cut",  # carried out, connection reset in the middle of an object's body
]


@dataclass(slots=True, kw_only=True)
class Fault:
    """One rule.

    Attributes:
        kind: what happens.
        operation: a glob over the operation (`PutLogEvents`) or `service:operation` (`s3:PutObject`).
        group: a glob over the log group's name, the metrics' namespace, the topic's ARN, the target group's or Auto
            Scaling group's name, or S3's `bucket/key`; empty for all else.
        rate: how often it strikes, 0 to 1.
        count: how many times it strikes at most; None is without end.
        for_s: how many seconds it lives; None is until it is cleared.
        latency_s: for `latency`.
        text: for `poison`.
        bytes_per_s: for `bandwidth`.
    """

    kind: Kind
    operation: str = "*"
    group: str = "*"
    rate: float = 1.0
    count: int | None = None
    for_s: float | None = None
    latency_s: float = 0.0
    text: str = ""
    bytes_per_s: float = 0.0
    id: int = 0
    hits: int = 0
    until: float | None = None

    def is_live(self, now: float) -> bool:
        """Whether the rule can still strike."""
        return (self.until is None or now < self.until) and (self.count is None or self.hits < self.count)

    def matches(self, service: str, operation: str, group: str) -> bool:
        """Whether the rule speaks of such a request."""
        names = (operation, f"{service}:{operation}")
        return any(fnmatchcase(name, self.operation) for name in names) and fnmatchcase(group, self.group)


_GIVEN = {entry.name for entry in fields(Fault)} - {"id", "hits", "until"}


def read_fault(document: dict[str, Any]) -> Fault:
    """Check a rule as a client sent it.

    Raises:
        ValueError: it makes no sense; the message says why.
    """
    unknown = set(document) - _GIVEN
    if unknown:
        message = f"unknown keys {sorted(unknown)}; known are {sorted(_GIVEN)}"
        raise ValueError(message)
    fault = Fault(**document)
    if fault.kind not in get_args(Kind):
        message = f"unknown kind {fault.kind!r}; known are {list(get_args(Kind))}"
        raise ValueError(message)
    if not 0 <= fault.rate <= 1:
        message = f"rate {fault.rate} is not between 0 and 1"
        raise ValueError(message)
    if fault.kind == "reset" and fault.group != "*" and not fault.operation.startswith("s3:"):
        message = "a reset strikes before the body, so before the group is known, but for s3:…; use drop"
        raise ValueError(message)
    if fault.kind == "poison" and not fault.text:
        message = "poison needs a text"
        raise ValueError(message)
    if fault.kind == "bandwidth" and fault.bytes_per_s <= 0:
        message = "bandwidth needs bytes_per_s"
        raise ValueError(message)
    return fault


class FaultPlan:
    """The rules in force. Threads may call it at once."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)
        self._faults: list[Fault] = []
        self._last_id = 0
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> int:
        """Put a rule in force and return its number."""
        with self._lock:
            self._last_id += 1
            fault.id = self._last_id
            if fault.for_s is not None:
                fault.until = time.monotonic() + fault.for_s
            self._faults.append(fault)
            return fault.id

    def clear(self, number: int | None = None) -> None:
        """Lift one rule, or all."""
        with self._lock:
            self._faults = [fault for fault in self._faults if number is not None and fault.id != number]

    def live(self) -> list[dict[str, Any]]:
        """Return the rules that can still strike, with their hits."""
        now = time.monotonic()
        with self._lock:
            return [asdict(fault) for fault in self._faults if fault.is_live(now)]

    def has(self, number: int) -> bool:
        """Whether a rule still is in force; a hanging request ends when its rule does."""
        now = time.monotonic()
        with self._lock:
            # A hang that has used up its count still holds the requests it caught.
            return any(fault.id == number and (fault.until is None or now < fault.until) for fault in self._faults)

    def draw(self, kinds: tuple[Kind, ...], service: str, operation: str, group: str = "") -> Fault | None:
        """Return the first rule of these kinds that strikes this request, counted as a hit."""
        if not self._faults:
            return None
        now = time.monotonic()
        with self._lock:
            for fault in self._faults:
                if fault.kind in kinds and fault.is_live(now) and fault.matches(service, operation, group):
                    if fault.rate < 1 and self._dice.random() >= fault.rate:
                        continue
                    fault.hits += 1
                    return fault
        return None

    def poison_in(self, operation: str, group: str, messages: Sequence[str], service: str = "logs") -> Fault | None:
        """Return the poison rule that one of these messages falls under."""
        now = time.monotonic()
        with self._lock:
            for fault in self._faults:
                if fault.kind != "poison" or not fault.is_live(now) or not fault.matches(service, operation, group):
                    continue
                if any(fault.text in message for message in messages):
                    fault.hits += 1
                    return fault
        return None
