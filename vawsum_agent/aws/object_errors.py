"""What S3 answers that other services don't: conditions that did not hold, conflicts, another region, damaged bodies.

    AwsError
    ├── ObjectExists                  a condition did not hold; nothing was written
    └── Unavailable
        └── Conflict                  something else is happening to the same key; not done; retryable
    ContentChanged(AgentError)        what is being uploaded is not what it was; nothing of it counts; retryable

Everything else is mapped as for all services, by `errors`. A denied key, a clock that is off and a bucket elsewhere are
no fault of the object: none of them is `Rejected`, which says that this object can't be stored.
"""

from __future__ import annotations

import contextlib
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from vawsum_agent.aws.errors import mapped
from vawsum_agent.core.errors import AccessDenied, AgentError, AwsError, NotFound, Throttled, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

_CONFLICTS = frozenset({"ConditionalRequestConflict", "NoSuchUpload", "OperationAborted", "409"})
_ELSEWHERE = frozenset(
    {
        "AuthorizationHeaderMalformed",
        "IllegalLocationConstraintException",
        "PermanentRedirect",
        "Redirect",
        "TemporaryRedirect",
        "301",
        "307",
    }
)
_DAMAGED = frozenset({"BadDigest", "IncompleteBody", "RequestTimeout", "XAmzContentSHA256Mismatch"})
"""The body did not arrive as it was sent: refused as a whole, and fine the next time."""

_REFUSED_HEAD = str(HTTPStatus.BAD_REQUEST.value)
"""A HEAD's answer has no body that could say why: in practice it is credentials that have ended."""


class ObjectExists(AwsError):
    """``If-None-Match: *`` met an object, or ``If-Match`` another one than was named. Nothing was written."""


class Conflict(Unavailable):
    """Another request is changing the same key. Nothing was written; trying again helps."""


class ContentChanged(AgentError):
    """What is read is not what was announced. Nothing of it counts as uploaded; the next time it may be at rest."""

    retryable = True


@contextlib.contextmanager
def mapped_object(action: str, bucket: str, key: str, region: str) -> Iterator[None]:
    """Run one call of S3; see `mapped`.

    Args:
        action: what a policy has to allow for the call, such as ``s3:PutObject``.
        bucket: that is called.
        key: of the object; empty when the call is about the bucket.
        region: that is called.
    """
    subject = f"s3://{bucket}/{key}"
    with mapped(action, subject):
        try:
            yield
        except ClientError as exc:
            error = _of_objects(exc.response, action, subject, region)
            if error is None:
                raise
            raise error from exc


def confirm(answered: str, sent: str, what: str) -> None:
    """Hold S3 to the checksum that was sent. Raises Unavailable: what is there is not proven to be what was sent."""
    if answered != sent:
        message = f"{what}: S3 confirmed {f'checksum {answered}' if answered else 'no checksum'} instead of {sent}"
        raise Unavailable(
            message,
            operation="PutObject",
            code="ChecksumNotConfirmed",
            hint="S3, or what answers in its place, must confirm x-amz-checksum-sha256",
        )


def _of_objects(answer: dict[str, Any], action: str, subject: str, region: str) -> AwsError | None:
    error = answer.get("Error", {})
    status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    code = str(error.get("Code") or status)
    operation = action.rpartition(":")[2]
    message = f"{operation} on {subject}: {code}: {error.get('Message') or 'no message'}"
    if code == "PreconditionFailed" or status == HTTPStatus.PRECONDITION_FAILED:
        return ObjectExists(message, operation=operation, code=code)
    if _is_conflict(code, status, operation):
        return Conflict(message, operation=operation, code=code, hint="retried with backoff", maybe_done=False)
    if code in _DAMAGED:
        return Unavailable(message, operation=operation, code=code, hint="retried with backoff", maybe_done=False)
    found = _region_in(answer)
    if code in _ELSEWHERE or (code == _REFUSED_HEAD and found not in {"", region}):
        return _elsewhere(f"{operation} on {subject}", operation, code, found, region)
    return _denied(code, message, operation)


def _is_conflict(code: str, status: int, operation: str) -> bool:
    if code in _CONFLICTS or status == HTTPStatus.CONFLICT:
        return True
    # `If-Match` on an object that is gone meanwhile.
    return code == "NoSuchKey" and operation == "PutObject"


def _elsewhere(what: str, operation: str, code: str, found: str, region: str) -> AwsError:
    if found == region:
        # A bucket that is minutes old: names of it still lead to the wrong place.
        message = f"{what}: {code}: the bucket can't be reached by its name yet"
        return Unavailable(message, operation=operation, code=code, hint="retried with backoff", maybe_done=False)
    message = f"{what}: the bucket is in {found or 'another region'}, not in {region}"
    hint = f"use a bucket in {region}, or set agent.region to the bucket's region"
    return NotFound(message, operation=operation, code=code, hint=hint)


def _region_in(answer: dict[str, Any]) -> str:
    fields = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    return str(fields.get("x-amz-bucket-region") or answer.get("Error", {}).get("Region") or "")


def _denied(code: str, message: str, operation: str) -> AwsError | None:
    if code.startswith("KMS."):
        if "Throttl" in code or "LimitExceeded" in code:
            return Throttled(message, operation=operation, code=code, hint="retried with backoff")
        hint = "check the KMS key: it must exist, be enabled and be in the bucket's region"
        return AccessDenied(message, operation=operation, code=code, hint=hint)
    if code == "AccessDenied" and "kms:" in message:
        hint = "allow the instance role to use the KMS key, in the role's policy and in the key's"
        return AccessDenied(message, operation=operation, code=code, hint=hint)
    if code == _REFUSED_HEAD:
        hint = "check the instance's role, or the AWS_* variables and ~/.aws of the daemon's user"
        return AccessDenied(message, operation=operation, code=code, hint=hint)
    return None
