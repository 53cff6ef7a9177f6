"""Carrying out faults around a request: what strikes before it is carried out, and what after."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from sandbox.aws.answers import ServiceError, failure, throttled, unavailable
from sandbox.aws.connection import ConnectionCut

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox.aws.connection import Connection
    from sandbox.aws.faults import Fault, FaultPlan, Kind
    from sandbox.aws.requests import Request

HANG_STEP_S = 0.1


class Strikes:
    """Draws faults for a request and makes them happen."""

    def __init__(self, plan: FaultPlan) -> None:
        self._plan = plan

    def before_body(self, request: Request, group: str = "") -> None:
        """Reset the connection with the body unread; the group is known by then only where the head names it."""
        if self._plan.draw(("reset",), request.service, request.operation, group):
            outcome = "reset"
            raise ConnectionCut(outcome)

    def before(self, connection: Connection, request: Request, group: str) -> None:
        """Delay, break off or refuse a request that has not been carried out."""
        service, operation = request.service, request.operation
        if slow := self._plan.draw(("latency",), service, operation, group):
            time.sleep(slow.latency_s)
        if stuck := self._plan.draw(("hang",), service, operation, group):
            self._hang(connection, stuck)
        if self._plan.draw(("drop",), service, operation, group):
            outcome = "drop"
            raise ConnectionCut(outcome)
        # Each kind has dice of its own, so that "20 % throttled and 10 % unavailable" means just that.
        if self._plan.draw(("throttle",), service, operation, group):
            raise throttled()
        if self._plan.draw(("unavailable",), service, operation, group):
            raise unavailable()
        if self._plan.draw(("failure",), service, operation, group):
            raise failure()

    def poison(self, request: Request, group: str, texts: Sequence[str]) -> None:
        """Refuse a request that holds a poisonous text."""
        if poison := self._plan.poison_in(request.operation, group, texts, request.service):
            # Not a violation: no client can know what this service dislikes.
            raise ServiceError("InvalidParameterException", f"Refused: it holds {poison.text!r}")

    def is_denied(self, request: Request, group: str) -> bool:
        """Whether this request is to be denied."""
        return self._plan.draw(("deny",), request.service, request.operation, group) is not None

    def drawn(self, kind: Kind, request: Request, group: str) -> Fault | None:
        """Return the rule of a kind that strikes this request; the caller makes it happen."""
        return self._plan.draw((kind,), request.service, request.operation, group)

    def after(self, connection: Connection, request: Request, group: str) -> None:
        """Lose the answer to a request that has been carried out."""
        service, operation = request.service, request.operation
        if stuck := self._plan.draw(("hang_after",), service, operation, group):
            self._hang(connection, stuck)
        if self._plan.draw(("reset_after",), service, operation, group):
            outcome = "reset_after"
            raise ConnectionCut(outcome)
        if self._plan.draw(("failure_after",), service, operation, group):
            raise ServiceError("InternalFailure", "failed after accepting", status=500)

    def _hang(self, connection: Connection, fault: Fault) -> None:
        while self._plan.has(fault.id) and not connection.is_gone(HANG_STEP_S):
            pass
        raise ConnectionCut(fault.kind)
