"""A command, what became of it on each host, and which hosts get it next. Pure but for being changed in place."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.aws.run_command.documents import CommandDocument

DETAILS = {
    "Success": "Success",
    "Failed": "Failed",
    "TimedOut": "ExecutionTimedOut",
    "Cancelled": "Canceled",
}
"""How a host's word for the end is told by the API, as `Status` and as `StatusDetails`."""
UNDER_WAY = frozenset({"InProgress", "Cancelling"})
WELL = frozenset({"Success", "Skipped"})


@dataclass(slots=True)
class StepResult:
    """What a host reported of one step; `code` is -1 until it ended."""

    name: str
    status: str = "Pending"
    code: int = -1
    stdout: str = ""
    stderr: str = ""
    started_at: float = 0.0
    ended_at: float = 0.0


@dataclass(slots=True)
class Invocation:
    """A command on one host."""

    instance_id: str
    steps: list[StepResult]
    status: str = "Pending"
    detail: str = "Pending"

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self.status != "Pending" and self.status not in UNDER_WAY

    def set(self, status: str, detail: str = "") -> None:
        """Take a status; the detail is the same word unless given."""
        self.status, self.detail = status, detail or status

    def report(self, document: Mapping[str, Any]) -> None:
        """Take over what the host says became of it."""
        self.steps = [StepResult(**step) for step in document["steps"]]
        self.set(document["status"], DETAILS[document["status"]])


@dataclass(slots=True)
class Command:
    """A document sent to hosts.

    Attributes:
        max_concurrency, max_errors: a count, or a share of the hosts such as `25%`.
        deliver_until: when a host that has not fetched it by then never gets it.
    """

    command_id: str
    document: CommandDocument
    given: dict[str, list[str]]
    requested_at: float
    deliver_until: float
    max_concurrency: str = "50"
    max_errors: str = "0"
    comment: str = ""
    invocations: dict[str, Invocation] = field(default_factory=dict)
    is_cancelled: bool = False

    def settle(self, now: float) -> None:
        """Give up hosts that were not reached in time, and all that wait once too many failed.

        Hosts never reached don't count as failed, and what is under way goes on: with more than one host at once, more
        may fail than the limit says.
        """
        waiting = [each for each in self.invocations.values() if each.status == "Pending"]
        if self._is_beyond_errors():
            for each in waiting:
                each.set("Cancelled", "Terminated")
        elif now > self.deliver_until:
            for each in waiting:
                each.set("TimedOut", "DeliveryTimedOut")

    def is_next(self, instance_id: str) -> bool:
        """Whether this host may begin now."""
        one = self.invocations.get(instance_id)
        if one is None or one.status != "Pending" or self._is_beyond_errors():
            return False
        running = sum(each.status in UNDER_WAY for each in self.invocations.values())
        return running < max(1, _count(self.max_concurrency, len(self.invocations)))

    def cancel(self, instance_ids: list[str]) -> None:
        """Begin no more of these hosts, all when none is named; those under way are told when they ask."""
        self.is_cancelled = True
        for each in self.invocations.values():
            if instance_ids and each.instance_id not in instance_ids:
                continue
            if each.status == "Pending":
                each.set("Cancelled", "Canceled")
            elif each.status == "InProgress":
                each.set("Cancelling")

    def status(self) -> tuple[str, str]:
        """Return `Status` and `StatusDetails` of the whole."""
        states = [each.status for each in self.invocations.values()]
        if any(state in UNDER_WAY for state in states):
            word = "Cancelling" if self.is_cancelled else "InProgress"
            return word, word
        if "Pending" in states:
            return ("Pending", "Pending") if set(states) == {"Pending"} else ("InProgress", "InProgress")
        if set(states) <= WELL:
            return "Success", "Success"
        if self.is_cancelled:
            return "Cancelled", "Canceled"
        if set(states) == {"TimedOut"}:
            return "TimedOut", next(iter(self.invocations.values())).detail
        return "Failed", "Failed" if self._is_beyond_errors() else "Incomplete"

    def error_count(self) -> int:
        """How many hosts failed it, among those that got it."""
        bad = [each for each in self.invocations.values() if each.is_over and each.status not in WELL]
        return sum(each.detail not in {"DeliveryTimedOut", "Canceled", "Terminated"} for each in bad)

    def _is_beyond_errors(self) -> bool:
        return self.error_count() > _count(self.max_errors, len(self.invocations))


def _count(limit: str, total: int) -> int:
    if limit.endswith("%"):
        return math.floor(total * int(limit[:-1]) / 100)
    return int(limit)
