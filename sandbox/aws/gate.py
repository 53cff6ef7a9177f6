"""Where every request comes in: told apart, struck by faults, checked, carried out or passed on to moto."""

from __future__ import annotations

import time
import uuid
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sandbox.aws.answers import ServiceError, throttled
from sandbox.aws.connection import ConnectionCut
from sandbox.aws.dialects import Json11, action_in
from sandbox.aws.front_service import Subject
from sandbox.aws.policy import Access, not_allowed
from sandbox.aws.requests import check_signature_date, read_request

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from sandbox.aws.admin import Admin
    from sandbox.aws.answers import Answer
    from sandbox.aws.books import Books
    from sandbox.aws.connection import Connection
    from sandbox.aws.front_service import Dialect, FrontService
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
        services: Sequence[FrontService],
        moto: Moto,
        admin: Admin,
    ) -> None:
        self._settings = settings
        self._books = books
        self._gatekeeper = gatekeeper
        self._limits = limits
        self._strikes = strikes
        self._services = {service.name: service for service in services}
        self._moto = moto
        self._admin = admin

    def handle(self, connection: Connection, head: Head) -> bool:
        """Answer one request. Returns whether the connection can carry another."""
        request, body = read_request(head), None
        if request.target.startswith(ADMIN_PREFIX):
            return self._admin.handle(connection, head)
        service = self._services.get(request.service)
        if service is not None and service.dialect.is_named_in_body:
            body = connection.read_body(head)
            request = _named(request, body)
        is_ours = service is not None and (service.is_complete or request.operation in service.operations)
        counted = request.operation if is_ours else _foreign(request)
        try:
            self._strikes.before_body(request)
            if service is not None and is_ours:
                return self._carry_out(connection, service, request, body)
            return self._pass_on(connection, request, body, service.dialect if service is not None else Json11())
        except ConnectionCut as cut:
            self._books.ended(counted, cut.outcome)
            raise

    def _carry_out(self, connection: Connection, service: FrontService, request: Request, body: bytes | None) -> bool:
        request_id = str(uuid.uuid4())
        body = connection.read_body(request.head) if body is None else body
        answer = self._answer(connection, service, request, request_id, body)
        connection.write(answer.encode(request_id=request_id, clock_offset_s=self._settings.clock_offset_s))
        return True

    def _answer(
        self, connection: Connection, service: FrontService, request: Request, request_id: str, body: bytes
    ) -> Answer:
        operation, subject = request.operation, Subject()
        try:
            params = self._admit(service, request, body)
            subject = service.subject(operation, params, request.region)
            with self._count_running(subject):
                self._strikes.before(connection, request, subject.group)
                self._check_allowed(service, request, subject)
                self._strikes.poison(request, subject.group, subject.texts)
                document = service.operations[operation](params, request_id, request.region)
                self._strikes.after(connection, request, subject.group)
        except ServiceError as error:
            code = service.dialect.code(error)
            if error.is_violation:
                self._books.violated(operation, subject.target, code, error.message)
            self._books.ended(operation, code)
            return service.dialect.refusal(error, request.head, request_id)
        self._books.ended(operation, "ok")
        return service.dialect.answer(operation, document, request_id)

    def _admit(self, service: FrontService, request: Request, body: bytes) -> dict[str, Any]:
        if not request.is_signed:
            code = "MissingAuthenticationTokenException"
            raise ServiceError(code, "Missing Authentication Token", is_violation=True)
        check_signature_date(request.head, self._settings.now_ms() / 1000, self._settings.signature_window_s)
        if request.operation not in service.operations:
            code = "UnknownOperationException"
            raise ServiceError(code, f"the sandbox does not know {request.operation}", is_violation=True)
        self._books.add(bytes_received=len(body))
        return service.dialect.read(request.head, body)

    def _count_running(self, subject: Subject) -> AbstractContextManager[None]:
        return self._books.running(subject.lane) if subject.lane else nullcontext()

    def _check_allowed(self, service: FrontService, request: Request, subject: Subject) -> None:
        operation = request.operation
        access = Access(f"{service.name}:{operation}", subject.resource, subject.context)
        if self._strikes.is_denied(request, subject.group):
            raise not_allowed(access)
        self._gatekeeper.check(access)
        limit = self._settings.rate_limits_per_s.get(operation)
        if not self._limits.take(operation, limit, time.monotonic()):
            raise throttled()

    def _pass_on(self, connection: Connection, request: Request, body: bytes | None, dialect: Dialect) -> bool:
        """Let moto answer, byte for byte; faults strike before, or take the answer away after."""
        try:
            self._strikes.before(connection, request, "")
            exchange = self._moto.ask(connection, request, body)
            self._strikes.after(connection, request, "")
        except ServiceError as error:
            self._books.ended(_foreign(request), dialect.code(error))
            request_id = str(uuid.uuid4())
            answer = dialect.refusal(error, request.head, request_id)
            # The body may still be unread, so this connection can't carry another request.
            connection.write(answer.encode(request_id=request_id, keep_alive=False))
            return False
        self._books.ended(_foreign(request), "ok")
        return exchange.relay(connection.write)


def _foreign(request: Request) -> str:
    """Return the name under which a request for moto is counted."""
    return f"{request.service or '-'}:{request.operation}"


def _named(request: Request, body: bytes) -> Request:
    """Return a request of the query protocol with the operation that its body names."""
    return replace(request, operation=action_in(body) or request.operation)
