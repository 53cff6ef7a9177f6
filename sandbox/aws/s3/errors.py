"""S3's errors: their codes, its XML, and what the front's common vocabulary is called here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.aws.answers import ServiceError
from sandbox.aws.s3.answers import XML, S3Answer
from sandbox.aws.s3.xml import plain

if TYPE_CHECKING:
    from sandbox.aws.s3.target import Target

_CODES: dict[str, tuple[str, int]] = {
    "AccessDeniedException": ("AccessDenied", 403),
    "InternalFailure": ("InternalError", 500),
    "InvalidParameterException": ("InvalidArgument", 400),
    "ServiceUnavailableException": ("ServiceUnavailable", 503),
    "ThrottlingException": ("SlowDown", 503),
}
_MESSAGES = {
    "InternalError": "We encountered an internal error. Please try again.",
    "ServiceUnavailable": "Service is unable to handle request.",
    "SlowDown": "Please reduce your request rate.",
}


def invalid_request(message: str, code: str = "InvalidRequest") -> ServiceError:
    """Return the error for a request that breaks a rule."""
    return ServiceError(code, message, is_violation=True)


def precondition_failed(condition: str) -> ServiceError:
    """Return the error for a condition that does not hold; `condition` is the header's name."""
    message = f"At least one of the pre-conditions you specified did not hold: {condition}"
    return ServiceError("PreconditionFailed", message, status=412)


def conflict() -> ServiceError:
    """Return the error for a conditional write that met another write of the same key."""
    message = "The conditional request cannot succeed due to a conflicting operation against this resource."
    return ServiceError("ConditionalRequestConflict", message, status=409)


def no_such_bucket() -> ServiceError:
    """Return the error for a bucket that does not exist."""
    return ServiceError("NoSuchBucket", "The specified bucket does not exist", status=404)


def no_such_key() -> ServiceError:
    """Return the error for a key without an object."""
    return ServiceError("NoSuchKey", "The specified key does not exist.", status=404)


def no_such_upload() -> ServiceError:
    """Return the error for a multipart upload that is unknown, completed or aborted."""
    message = (
        "The specified upload does not exist. "
        "The upload ID may be invalid, or the upload may have been aborted or completed."
    )
    return ServiceError("NoSuchUpload", message, status=404)


def code_of(error: ServiceError) -> tuple[str, int]:
    """Return an error's code and status as clients of S3 see them."""
    return _CODES.get(error.code, (error.code, error.status))


def refusal(error: ServiceError, target: Target, request_id: str) -> S3Answer:
    """Write down an error. One that concerns CompleteMultipartUpload after it began comes inside a 200.

    S3 answers that operation before it knows how it ends, so a client that trusts the status believes in an object
    that is not there.
    """
    code, status = code_of(error)
    if status == 304:
        return S3Answer(status, error.fields if isinstance(error, NotModified) else ())
    message = error.message or _MESSAGES.get(code, code)
    text = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{plain(message)}</Message>'
        f"<Resource>{plain('/' + target.place)}</Resource><RequestId>{request_id}</RequestId></Error>"
    )
    is_late = target.operation == "CompleteMultipartUpload" and code == "InternalError"
    return S3Answer(200 if is_late else status, (XML,), text.encode("utf-8", "replace"))


class NotModified(ServiceError):
    """304: the client has this version already."""

    def __init__(self, fields: tuple[tuple[str, str], ...]) -> None:
        super().__init__("NotModified", status=304)
        self.fields = fields
