"""Where S3's requests come in: struck by faults, checked, carried out, answered."""

from __future__ import annotations

import random
import threading
import time
import uuid
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sandbox.aws.answers import ServiceError, throttled
from sandbox.aws.connection import ConnectionCut
from sandbox.aws.policy import not_allowed
from sandbox.aws.s3.access import accesses
from sandbox.aws.s3.attributes import check_headers
from sandbox.aws.s3.bodies import Content
from sandbox.aws.s3.call import Call
from sandbox.aws.s3.conditions import check_form, is_conditional
from sandbox.aws.s3.errors import code_of, conflict, invalid_request, refusal
from sandbox.aws.s3.incoming import ABOUT_CHECKSUMS, CHECKSUM_PREFIX, PACED_BLOCK_BYTES, announced_size, receive
from sandbox.aws.s3.integrity import check_body
from sandbox.aws.s3.signature import check_signature
from sandbox.aws.s3.target import check_target, read_target

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sandbox.aws.books import Books
    from sandbox.aws.connection import Connection
    from sandbox.aws.faults import Fault
    from sandbox.aws.policy import Gatekeeper
    from sandbox.aws.requests import Request
    from sandbox.aws.s3.answers import S3Answer
    from sandbox.aws.s3.bodies import Bodies, Span
    from sandbox.aws.s3.incoming import Incoming
    from sandbox.aws.s3.store import Store
    from sandbox.aws.s3.target import Target
    from sandbox.aws.settings import Settings
    from sandbox.aws.strikes import Strikes
    from sandbox.aws.wire import Head

DOCUMENT_LIMIT_BYTES = 8 * 1024**2
_WITH_CONTENT = frozenset({"PutObject", "UploadPart"})
_CONDITIONAL = frozenset({"PutObject", "CompleteMultipartUpload"})
_CHANGING = _CONDITIONAL | {"DeleteObject"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What judges and breaks requests, the same as for other services."""

    settings: Settings
    books: Books
    gatekeeper: Gatekeeper
    strikes: Strikes
    is_within_quota: Callable[[str], bool]


class S3Gate:
    """Handles one request at a time on each of many connections.

    Args:
        rules: what judges and breaks requests.
        store: of which conditional writes ask who else is writing.
        bodies: where the bodies of objects are put as they come in.
        operations: what is carried out, by name.
        seed: of the dice for conflicts.
    """

    def __init__(
        self,
        rules: Rules,
        store: Store,
        bodies: Bodies,
        operations: Mapping[str, Callable[[Call], S3Answer]],
        seed: int,
    ) -> None:
        self._rules = rules
        self._store = store
        self._bodies = bodies
        self._operations = operations
        self._dice = random.Random(seed)
        self._lock = threading.Lock()

    def handle(self, connection: Connection, request: Request) -> bool:
        """Answer one request. Returns whether the connection can carry another."""
        target = read_target(request.head)
        request = replace(request, operation=target.operation)
        request_id = uuid.uuid4().hex[:16].upper()
        try:
            answer, outcome, keep_alive = self._answer(connection, request, target, request_id)
        except ConnectionCut as cut:
            self._rules.books.ended(target.operation, cut.outcome)
            raise
        has_content = answer.content is not None and request.method != "HEAD"
        half = self._rules.strikes.drawn("cut", request, target.place) if has_content else None
        slow = self._rules.strikes.drawn("bandwidth", request, target.place) if has_content else None
        # Booked before it is sent: who has the answer finds it in the books.
        self._rules.books.ended(target.operation, half.kind if half else outcome)
        offset_s = self._rules.settings.clock_offset_s
        head = answer.head(request_id, clock_offset_s=offset_s, keep_alive=keep_alive)
        connection.write(head if request.method == "HEAD" else head + answer.body)
        if has_content:
            _send_content(connection, answer.content or Content(), half, slow)
        return keep_alive

    def _answer(
        self, connection: Connection, request: Request, target: Target, request_id: str
    ) -> tuple[S3Answer, str, bool]:
        """Return the answer, what the books are told, and whether the body has been read to its end."""
        is_read = False
        try:
            self._rules.strikes.before_body(request, target.place)
            with ExitStack() as running:
                running.enter_context(self._rules.books.running(f"s3:{target.bucket}"))
                if target.operation in _CHANGING:
                    running.enter_context(self._store.writing(target.bucket, target.key))
                span, body, incoming = self._receive(connection, request, target)
                is_read = True
                self._admit(connection, request, target)
                checksums = check_body(_promises(target, request.head), incoming)
                self._check_conflict(request, target)
                call = Call(
                    target=target,
                    head=request.head,
                    request_id=request_id,
                    now_ms=self._rules.settings.now_ms(),
                    body=bytes(body),
                    span=span,
                    incoming=incoming,
                    checksums=checksums,
                )
                answer = self._operations[target.operation](call)
            self._rules.strikes.after(connection, request, target.place)
        except ServiceError as error:
            code, _ = code_of(error)
            if error.is_violation:
                self._rules.books.violated(target.operation, target.place, code, error.message)
            return refusal(error, target, request_id), code, is_read
        return answer, "ok", True

    def _receive(
        self, connection: Connection, request: Request, target: Target
    ) -> tuple[Span | None, bytearray, Incoming]:
        """Read the body: an object's to where it stays, a document into memory."""
        size, body = announced_size(request.head), bytearray()
        pace = self._rules.strikes.drawn("bandwidth", request, target.place) if size else None
        pace_bytes_per_s = pace.bytes_per_s if pace else None
        if target.operation in _WITH_CONTENT:
            span = self._bodies.reserve(size)
            incoming = receive(connection, request.head, span.write, pace_bytes_per_s)
        else:
            if size > DOCUMENT_LIMIT_BYTES:
                raise invalid_request("Your request was too big.", "MaxMessageLengthExceeded")
            span = None
            incoming = receive(connection, request.head, lambda _, block: body.extend(block), pace_bytes_per_s)
        self._rules.books.add(bytes_received=incoming.size_bytes)
        return span, body, incoming

    def _admit(self, connection: Connection, request: Request, target: Target) -> None:
        """Raise unless the request is well formed, signed, spared by faults, and allowed."""
        check_signature(request.head, self._rules.settings.now_ms() / 1000)
        check_target(target, request.head.start)
        check_headers(target.operation, request.head)
        self._rules.strikes.before(connection, request, target.place)
        wanted = accesses(target, request.head)
        if self._rules.strikes.is_denied(request, target.place):
            raise not_allowed(wanted[0])
        for access in wanted:
            self._rules.gatekeeper.check(access)
        texts = tuple(f"{name}: {value}" for name, value in request.head.fields)
        self._rules.strikes.poison(request, target.place, (target.key, *texts))
        if not self._rules.is_within_quota(target.operation):
            raise throttled()

    def _check_conflict(self, request: Request, target: Target) -> None:
        """Raise for a conditional write that meets another: as a fault, or where both really are under way."""
        if target.operation not in _CONDITIONAL or not is_conditional(request.head):
            return
        check_form(request.head)
        if self._rules.strikes.drawn("conflict", request, target.place):
            raise conflict()
        if self._store.has_other_writers(target.bucket, target.key):
            with self._lock:
                is_struck = self._dice.random() < self._rules.settings.conflict_rate
            if is_struck:
                raise conflict()


def _send_content(connection: Connection, content: Content, half: Fault | None, slow: Fault | None) -> None:
    """Send an object's body, or half of it where a fault cuts it, as fast as a fault lets it."""
    wanted = content.part(0, content.size_bytes // 2 if half else content.size_bytes)
    for block in wanted.blocks(PACED_BLOCK_BYTES) if slow else wanted.blocks():
        connection.write(block)
        if slow:
            time.sleep(len(block) / slow.bytes_per_s)
    if half:
        raise ConnectionCut(half.kind)


def _promises(target: Target, head: Head) -> Head:
    """Return a head whose checksums are of the body; those that complete an upload are of the object."""
    if target.operation != "CompleteMultipartUpload":
        return head
    names = (name for name, _ in head.fields if name.lower() not in ABOUT_CHECKSUMS)
    return head.without(*(name for name in names if name.lower().startswith(CHECKSUM_PREFIX)))
