"""What the front says: answers and service errors in the shape of AWS JSON 1.1."""

from __future__ import annotations

import time
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus

import orjson

JSON_1_1 = "application/x-amz-json-1.1"


class ServiceError(Exception):
    """The service refuses or fails.

    Attributes:
        code: the error code, as in ``__type``.
        status: the HTTP status.
        is_violation: whether the request itself was wrong, so that a correct client never sees it.
    """

    def __init__(
        self, code: str, message: str = "", *, status: int = 400, is_violation: bool = False, key: str = "message"
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.is_violation = is_violation
        self.key = key

    def body(self) -> bytes:
        """Return the JSON document of the error."""
        document = {"__type": self.code}
        if self.message:
            document[self.key] = self.message
        return orjson.dumps(document)


def invalid(message: str) -> ServiceError:
    """Return the error for a request that breaks a rule of the service."""
    return ServiceError("InvalidParameterException", message, is_violation=True)


def missing(what: str) -> ServiceError:
    """Return the error for a log group or log stream that does not exist."""
    return ServiceError("ResourceNotFoundException", f"The specified {what} does not exist.")


def already_there(what: str) -> ServiceError:
    """Return the error for creating a log group or log stream twice."""
    return ServiceError("ResourceAlreadyExistsException", f"The specified {what} already exists")


def throttled() -> ServiceError:
    """Return the error for a rate that is too high."""
    return ServiceError("ThrottlingException", "Rate exceeded")


def unavailable() -> ServiceError:
    """Return the error of a service that can't serve just now."""
    return ServiceError(
        "ServiceUnavailableException", "The service cannot complete the request.", status=HTTPStatus.SERVICE_UNAVAILABLE
    )


def failure() -> ServiceError:
    """Return the error of a service that broke."""
    return ServiceError("InternalFailure", status=HTTPStatus.INTERNAL_SERVER_ERROR)


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer, ready to be sent."""

    status: int
    body: bytes = b""
    content_type: str = JSON_1_1
    fields: tuple[tuple[str, str], ...] = ()

    def encode(self, *, request_id: str = "", clock_offset_s: float = 0.0, keep_alive: bool = True) -> bytes:
        """Return head and body as one run of bytes."""
        reason = HTTPStatus(self.status).phrase
        lines = [
            f"HTTP/1.1 {self.status} {reason}",
            f"Date: {formatdate(time.time() + clock_offset_s, usegmt=True)}",
            f"Content-Type: {self.content_type}",
            f"Content-Length: {len(self.body)}",
            *(f"{key}: {value}" for key, value in self.fields),
        ]
        if request_id:
            lines.append(f"x-amzn-RequestId: {request_id}")
        if not keep_alive:
            lines.append("Connection: close")
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + self.body


def json_answer(document: object, status: int = 200) -> Answer:
    """Return `document` as plain JSON, for the admin API."""
    return Answer(status, orjson.dumps(document), "application/json")
