"""Where every request comes in: told apart, struck by faults, checked, carried out or passed on to moto."""

from __future__ import annotations

import time
import uuid
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import orjson

from sandbox.aws.answers import Answer, ServiceError, throttled
from sandbox.aws.connection import ConnectionCut
from sandbox.aws.policy import denied, resource_of
from sandbox.aws.requests import check_signature_date, decode_body, read_request

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from sandbox.aws.admin import Admin
    from sandbox.aws.books import Books
    from sandbox.aws.connection import Connection
    from sandbox.aws.logs_service import LogsService
    from sandbox.aws.moto import Moto
    from sandbox.aws.policy import Gatekeeper
    from sandbox.aws.rate_limits import RateLimits
    from sandbox.aws.requests import Request
    from sandbox.aws.settings import Settings
    from sandbox.aws.strikes import Strikes
    from sandbox.aws.wire import Head

ADMIN_PREFIX = "/_sandbox/"


class Gate:
    """Handles one request at a time on each of many connections."""

    def __init__(
        self,
        *,
        settings: Settings,
        books: Books,
        gatekeeper: Gatekeeper,
        limits: RateLimits,
        strikes: Strikes,
        logs: LogsService,
        moto: Moto,
        admin: Admin,
    ) -> None:
        self._settings = settings
        self._books = books
        self._gatekeeper = gatekeeper
        self._limits = limits
        self._strikes = strikes
        self._logs = logs
        self._moto = moto
        self._admin = admin

    def handle(self, connection: Connection, head: Head) -> bool:
        """Answer one request. Returns whether the connection can carry another."""
        request = read_request(head)
        if request.target.startswith(ADMIN_PREFIX):
            return self._admin.handle(connection, head)
        try:
            self._strikes.before_body(request)
        except ConnectionCut as cut:
            self._books.ended(_counted(request), cut.outcome)
            raise
        return (
            self._handle_logs(connection, request) if request.service == "logs" else self._pass_on(connection, request)
        )

    def _handle_logs(self, connection: Connection, request: Request) -> bool:
        request_id = str(uuid.uuid4())
        body = connection.read_body(request.head)
        try:
            answer = self._answer_logs(connection, request, request_id, body)
        except ConnectionCut as cut:
            self._books.ended(request.operation, cut.outcome)
            raise
        connection.write(answer.encode(request_id=request_id, clock_offset_s=self._settings.clock_offset_s))
        return True

    def _answer_logs(self, connection: Connection, request: Request, request_id: str, body: bytes) -> Answer:
        target = ""
        try:
            params = self._admit(request, body)
            group, stream = (_name(params, key) for key in ("logGroupName", "logStreamName"))
            target = f"{group}:{stream}"
            with self._count_running(request, target):
                self._strikes.before(connection, request, group)
                self._check_allowed(request, group, stream)
                document = self._carry_out(request, request_id, group, params)
                self._strikes.after(connection, request, group)
        except ServiceError as error:
            if error.is_violation:
                self._books.violated(request.operation, target, error.code, error.message)
            self._books.ended(request.operation, error.code)
            return Answer(error.status, error.body())
        self._books.ended(request.operation, "ok")
        return Answer(200, orjson.dumps(document))

    def _admit(self, request: Request, body: bytes) -> dict[str, Any]:
        if not request.is_signed:
            code = "MissingAuthenticationTokenException"
            raise ServiceError(code, "Missing Authentication Token", is_violation=True)
        check_signature_date(request.head, self._settings.now_ms() / 1000, self._settings.signature_window_s)
        if request.operation not in self._logs.operations:
            code = "UnknownOperationException"
            raise ServiceError(code, f"the sandbox does not know {request.operation}", is_violation=True)
        self._books.add(bytes_received=len(body))
        return decode_body(request.head, body)

    def _count_running(self, request: Request, target: str) -> AbstractContextManager[None]:
        return self._books.running(target) if request.operation == "PutLogEvents" else nullcontext()

    def _check_allowed(self, request: Request, group: str, stream: str) -> None:
        operation = request.operation
        if self._strikes.is_denied(request, group):
            resource = resource_of(operation, group, stream, request.region)
            action = f"logs:{operation}"
            raise denied(action, resource, f"because no identity-based policy allows the {action} action")
        self._gatekeeper.check(operation, group, stream, request.region)
        limit = self._settings.rate_limits_per_s.get(operation)
        if not self._limits.take(operation, limit, time.monotonic()):
            raise throttled()

    def _carry_out(self, request: Request, request_id: str, group: str, params: dict[str, Any]) -> dict[str, Any]:
        if request.operation == "PutLogEvents":
            self._strikes.poison(request, group, _messages(params))
        return self._logs.operations[request.operation](params, request_id, request.region)

    def _pass_on(self, connection: Connection, request: Request) -> bool:
        """Let moto answer, byte for byte; faults strike before, or take the answer away after."""
        operation = _counted(request)
        try:
            self._strikes.before(connection, request, "")
            exchange = self._moto.ask(connection, request)
            self._strikes.after(connection, request, "")
        except ConnectionCut as cut:
            self._books.ended(operation, cut.outcome)
            raise
        except ServiceError as error:
            self._books.ended(operation, error.code)
            answer = Answer(error.status, error.body())
            # The body may still be unread, so this connection can't carry another request.
            connection.write(answer.encode(request_id=str(uuid.uuid4()), keep_alive=False))
            return False
        self._books.ended(operation, "ok")
        return exchange.relay(connection.write)


def _counted(request: Request) -> str:
    """Return the name under which a request is counted."""
    return request.operation if request.service == "logs" else f"{request.service or '-'}:{request.operation}"


def _name(params: dict[str, Any], key: str) -> str:
    value = params.get(key)
    return value if isinstance(value, str) else ""


def _messages(params: dict[str, Any]) -> list[str]:
    events = params.get("logEvents")
    found = [event.get("message") for event in events if isinstance(event, dict)] if isinstance(events, list) else []
    return [message for message in found if isinstance(message, str)]
