"""Maps what botocore raises to the agent's errors, once, for every client.

The rule that matters: only a service's own 4xx answer, or a connection that provably never carried the request, says
that nothing was done. Everything else (timeouts, resets, 5xx, unreadable answers) leaves it open: `Unavailable` with
``maybe_done``.
"""

from __future__ import annotations

import contextlib
from http import HTTPStatus
from typing import TYPE_CHECKING

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
    ProxyConnectionError,
)
from botocore.parsers import ResponseParserError

from vawsum_agent.core.errors import AccessDenied, AwsError, NotFound, Rejected, Throttled, Unavailable
from vawsum_agent.core.shipped import POLICIES

if TYPE_CHECKING:
    from collections.abc import Iterator

_THROTTLING = frozenset(
    {
        "KMSThrottling",
        "LimitExceededException",
        "RequestLimitExceeded",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
_CLOCK_IS_OFF = frozenset(
    {"InvalidSignatureException", "RequestExpired", "RequestTimeTooSkewed", "SignatureDoesNotMatch"}
)
"""What a clock that is minutes off leads to; a wrong secret key does, too."""

_UNKNOWN_CREDENTIALS = frozenset(
    {
        "AuthFailure",
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidToken",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "UnrecognizedClientException",
    }
)
_DENIED = (
    frozenset(
        {
            "AccessDenied",
            "AccessDeniedException",
            "KMSAccessDenied",
            "NotAuthorized",
            "OptInRequired",
            "UnauthorizedOperation",
        }
    )
    | _CLOCK_IS_OFF
    | _UNKNOWN_CREDENTIALS
)
_ASK_FOR_CREDENTIALS = "check the instance's role, or the AWS_* variables and ~/.aws of the daemon's user"
_NOT_FOUND = frozenset({"ResourceNotFoundException", "NoSuchBucket", "NoSuchKey", "NotFound", "404"})
_NEVER_SENT = (EndpointConnectionError, ConnectTimeoutError, ProxyConnectionError)
_NO_CREDENTIALS = (NoCredentialsError, PartialCredentialsError, CredentialRetrievalError)


@contextlib.contextmanager
def mapped(action: str, subject: str) -> Iterator[None]:
    """Run one call of AWS; what it raises leaves as an `AwsError` that names operation and subject.

    Args:
        action: what a policy has to allow for the call, such as ``sns:Publish``.
        subject: what the call is about.
    """
    operation = action.rpartition(":")[2]
    try:
        yield
    except ClientError as exc:
        raise _from_answer(exc, action, subject) from exc
    except _NO_CREDENTIALS as exc:
        message = f"{operation} on {subject}: no usable AWS credentials"
        raise AccessDenied(
            message,
            operation=operation,
            code=type(exc).__name__,
            hint="give the instance a role, or set the standard AWS variables for the daemon's user",
        ) from exc
    except _NEVER_SENT as exc:
        message = f"{operation} on {subject}: AWS can't be reached"
        raise Unavailable(
            message,
            operation=operation,
            code=type(exc).__name__,
            hint="check network, DNS, proxy and endpoint settings",
            maybe_done=False,
        ) from exc
    except (HTTPClientError, BotoCoreError, ResponseParserError, ValueError, KeyError, TypeError) as exc:
        # The last three: botocore on an answer that is no answer of AWS.
        message = f"{operation} on {subject}: no usable answer ({type(exc).__name__})"
        raise Unavailable(message, operation=operation, code=type(exc).__name__) from exc


def _from_answer(exc: ClientError, action: str, subject: str) -> AwsError:
    operation = action.rpartition(":")[2]
    error = exc.response.get("Error", {})
    status = exc.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    code = str(error.get("Code") or status)
    message = f"{operation} on {subject}: {code}: {error.get('Message') or 'no message'}"
    if code in _THROTTLING or status == HTTPStatus.TOO_MANY_REQUESTS:
        return Throttled(message, operation=operation, code=code, hint="retried with backoff")
    if not HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return Unavailable(message, operation=operation, code=code, hint="AWS is failing; retried with backoff")
    if code in _DENIED or status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return AccessDenied(message, operation=operation, code=code, hint=_denied_hint(action, code))
    if code in _NOT_FOUND:
        hint = "create the bucket, or correct its name in the configuration" if code == "NoSuchBucket" else ""
        return NotFound(message, operation=operation, code=code, hint=hint)
    return Rejected(message, operation=operation, code=code)


def _denied_hint(action: str, code: str) -> str:
    if code in _CLOCK_IS_OFF:
        return "check this host's clock first, then its credentials: vawsum-agent doctor compares it with AWS's"
    if code in _UNKNOWN_CREDENTIALS:
        return _ASK_FOR_CREDENTIALS
    if code.startswith("KMS"):
        return "allow the instance role to use the KMS key, in the role's policy and in the key's"
    return f"allow {action} in the instance role's policy, as the fragments in {POLICIES} do"
