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
_DENIED = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "AuthFailure",
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "KMSAccessDenied",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "NotAuthorized",
        "OptInRequired",
        "RequestExpired",
        "SignatureDoesNotMatch",
        "UnauthorizedOperation",
        "UnrecognizedClientException",
    }
)
_NOT_FOUND = frozenset({"ResourceNotFoundException", "NoSuchBucket", "NoSuchKey", "NotFound", "404"})
_NEVER_SENT = (EndpointConnectionError, ConnectTimeoutError, ProxyConnectionError)
_NO_CREDENTIALS = (NoCredentialsError, PartialCredentialsError, CredentialRetrievalError)


@contextlib.contextmanager
def mapped(operation: str, subject: str) -> Iterator[None]:
    """Run one call of AWS; what it raises leaves as an `AwsError` that names operation and subject."""
    try:
        yield
    except ClientError as exc:
        raise _from_answer(exc, operation, subject) from exc
    except _NO_CREDENTIALS as exc:
        message = f"{operation} on {subject}: no usable AWS credentials"
        raise AccessDenied(
            message,
            operation=operation,
            code=type(exc).__name__,
            hint="give the instance a role, or set the standard AWS variables",
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


def _from_answer(exc: ClientError, operation: str, subject: str) -> AwsError:
    error = exc.response.get("Error", {})
    status = exc.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    code = str(error.get("Code") or status)
    message = f"{operation} on {subject}: {code}: {error.get('Message') or 'no message'}"
    if code in _THROTTLING or status == HTTPStatus.TOO_MANY_REQUESTS:
        return Throttled(message, operation=operation, code=code, hint="retried with backoff")
    if not HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return Unavailable(message, operation=operation, code=code, hint="AWS is failing; retried with backoff")
    if code in _DENIED or status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return AccessDenied(message, operation=operation, code=code, hint=_policy_hint(operation))
    if code in _NOT_FOUND:
        return NotFound(message, operation=operation, code=code)
    return Rejected(message, operation=operation, code=code)


def _policy_hint(operation: str) -> str:
    return f"allow {operation} in the instance role's policy (packaging/iam) and check the clock"
