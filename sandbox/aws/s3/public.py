"""Reading without credentials, as through a content delivery network that may read all buckets but list none.

`GET /public/<bucket>/<key>`, on a port of its own, which neither faults nor outages of the account reach.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from sandbox.aws.answers import ServiceError
from sandbox.aws.s3.errors import refusal
from sandbox.aws.s3.objects import read_answer
from sandbox.aws.s3.target import Target, read_target

if TYPE_CHECKING:
    from sandbox.aws.connection import Connection
    from sandbox.aws.s3.answers import S3Answer
    from sandbox.aws.s3.store import Store
    from sandbox.aws.wire import Head

PREFIX = "/public/"


class PublicDoor:
    """Answers GET and HEAD of objects, and nothing else."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def handle(self, connection: Connection, head: Head) -> bool:
        """Answer one request. Returns whether the connection can carry another."""
        method, request_id = head.start.split(" ", 1)[0], uuid.uuid4().hex[:16]
        connection.read_body(head)
        target = Target("", "", "", {})
        try:
            target = _below_prefix(head)
            answer = self._read(method, head, target)
        except ServiceError as error:
            answer = refusal(error, target, request_id)
        connection.write(answer.head(request_id))
        if method != "HEAD":
            connection.write(answer.body)
            for block in answer.content.blocks() if answer.content else ():
                connection.write(block)
        return True

    def _read(self, method: str, head: Head, target: Target) -> S3Answer:
        if method not in {"GET", "HEAD"}:
            raise ServiceError("MethodNotAllowed", "only GET and HEAD", status=405)
        try:
            version = self._store.bucket(target.bucket).current(target.key)
        except ServiceError:
            version = None
        if version is None:
            # Who may not list the bucket does not learn that something is missing.
            raise ServiceError("AccessDenied", "Access Denied", status=403)
        return read_answer(version, head)


def _below_prefix(head: Head) -> Target:
    method, address, _ = (*head.start.split(" "), "", "")[:3]
    if not address.startswith(PREFIX):
        raise ServiceError("AccessDenied", f"objects are below {PREFIX}", status=403)
    # Queries mean nothing here: a browser's cache busting reaches the same object.
    path = address.partition("?")[0].removeprefix(PREFIX.removesuffix("/"))
    return read_target(type(head)(f"{method} {path} HTTP/1.1", ()))
