"""Which service and operation a request is for, and its JSON body."""

from __future__ import annotations

import gzip
import json
import re
import time
import zlib
from calendar import timegm
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import orjson

from sandbox.aws.answers import ServiceError

if TYPE_CHECKING:
    from sandbox.aws.wire import Head

_TARGETS = {"Logs_20140328": "logs", "GraniteServiceVersion20100801": "cloudwatch"}
"""Services that are named by the target, whatever the signature's scope says."""
_SCOPES = {"monitoring": "cloudwatch"}
"""Services whose scope has another name than IAM's actions."""
_SCOPE = re.compile(r"Credential=[^/]+/\d{8}/([^/]+)/([^/]+)/aws4_request")


@dataclass(frozen=True, slots=True)
class Request:
    """A request's head and what it says."""

    head: Head
    method: str
    target: str
    service: str
    operation: str
    region: str
    is_signed: bool


def read_request(head: Head) -> Request:
    """Tell which service and operation a request is for; an unsigned one has neither region nor service."""
    method, target, _ = (*head.start.split(" "), "", "")[:3]
    query = parse_qs(urlsplit(target).query)
    scope = _SCOPE.search(head.get("Authorization") or f"Credential={query.get('X-Amz-Credential', [''])[0]}")
    region, service = (scope[1], scope[2]) if scope else ("us-east-1", "")
    aimed = head.get("X-Amz-Target")
    prefix, _, operation = aimed.rpartition(".")
    service = _TARGETS.get(prefix) or _SCOPES.get(service, service)
    operation = operation or query.get("Action", [method])[0]
    return Request(head, method, target, service, operation, region, scope is not None)


def check_signature_date(head: Head, now_s: float, window_s: float) -> None:
    """Refuse a request signed too long before or after the service's time, as the service does."""
    text = head.get("X-Amz-Date")
    try:
        signed_s = timegm(time.strptime(text, "%Y%m%dT%H%M%SZ"))
    except ValueError as exc:
        raise ServiceError("IncompleteSignatureException", f"bad X-Amz-Date {text!r}", is_violation=True) from exc
    if abs(signed_s - now_s) > window_s:
        there = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now_s))
        order = "earlier" if signed_s < now_s else "later"
        message = f"Signature expired: {text} is now {order} than {there} ({window_s / 60:.0f} min.)"
        raise ServiceError("InvalidSignatureException", message)


def inflate(head: Head, body: bytes) -> bytes:
    """Return a body freed from its compression, if it has any."""
    if head.get("Content-Encoding").lower() != "gzip":
        return body
    try:
        return gzip.decompress(body)
    except (OSError, EOFError, zlib.error) as exc:
        raise _unreadable() from exc


def parse_json(body: bytes) -> dict[str, Any]:
    """Return the parameters in a JSON body."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        document = _lenient(body)
    if not isinstance(document, dict):
        raise _unreadable()
    return document


def _lenient(body: bytes) -> Any:  # noqa: ANN401 - any JSON value
    """Read JSON with lone surrogates and NaN, so that the rules and not the parser refuse them."""
    try:
        return json.loads(body)
    except ValueError as exc:
        raise _unreadable() from exc


def _unreadable() -> ServiceError:
    return ServiceError("SerializationException", "", is_violation=True)
