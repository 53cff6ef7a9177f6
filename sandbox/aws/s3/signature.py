"""Signature Version 4 as S3 checks it: the request's date, what is signed, and, where the secret is known, by whom.

The secret is known for the credentials that `Sandbox.environment()` gives out. For all others only the form is checked.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from calendar import timegm
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, unquote_to_bytes

from sandbox.aws.account import ACCESS_KEY_ID, SECRET_ACCESS_KEY
from sandbox.aws.answers import ServiceError

if TYPE_CHECKING:
    from sandbox.aws.wire import Head

WINDOW_S = 900.0
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/((\d{8})/([^/]+)/s3/aws4_request), ?"
    r"SignedHeaders=([a-z0-9;.-]+), ?Signature=([0-9a-f]{64})"
)
_PAYLOADS = re.compile(
    r"[0-9a-f]{64}|UNSIGNED-PAYLOAD|STREAMING-UNSIGNED-PAYLOAD-TRAILER|STREAMING-AWS4-HMAC-SHA256-PAYLOAD(?:-TRAILER)?"
)
_UNRESERVED = "-_.~"


@dataclass(frozen=True, slots=True)
class _Authorization:
    access_key: str
    scope: str
    day: str
    region: str
    signed: tuple[str, ...]
    signature: str


def check_signature(head: Head, now_s: float) -> None:
    """Raise S3's error for a request that is not signed, or signed wrongly, or too long before or after `now_s`."""
    found = _AUTHORIZATION.fullmatch(head.get("Authorization"))
    if found is None:
        raise ServiceError("AccessDenied", "Access Denied", status=403, is_violation=True)
    given = _Authorization(found[1], found[2], found[3], found[4], tuple(found[5].split(";")), found[6])
    _check_date(head.get("X-Amz-Date"), now_s)
    payload = head.get("x-amz-content-sha256")
    if not payload:
        message = "Missing required header for this request: x-amz-content-sha256"
        raise ServiceError("InvalidRequest", message, is_violation=True)
    if not _PAYLOADS.fullmatch(payload):
        message = "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, or a valid sha256 value."
        raise ServiceError("InvalidArgument", message, is_violation=True)
    _check_signed(head, given.signed)
    if given.access_key == ACCESS_KEY_ID and not hmac.compare_digest(_signature(head, given), given.signature):
        message = "The request signature we calculated does not match the signature you provided. Check your key and "
        raise ServiceError("SignatureDoesNotMatch", message + "signing method.", status=403, is_violation=True)


def _check_date(text: str, now_s: float) -> None:
    try:
        signed_s = timegm(time.strptime(text, "%Y%m%dT%H%M%SZ"))
    except ValueError as exc:
        message = "AWS authentication requires a valid Date or x-amz-date header"
        raise ServiceError("AccessDenied", message, status=403, is_violation=True) from exc
    if abs(signed_s - now_s) > WINDOW_S:
        message = "The difference between the request time and the current time is too large."
        raise ServiceError("RequestTimeTooSkewed", message, status=403)


def _check_signed(head: Head, signed: tuple[str, ...]) -> None:
    """What a go-between could change to another effect has to be signed."""
    names = {name.lower() for name, _ in head.fields}
    needed = {name for name in names if name.startswith("x-amz-")} | {"host"}
    if needed - set(signed):
        message = f"There were headers present in the request which were not signed: {sorted(needed - set(signed))}"
        raise ServiceError("AccessDenied", message, status=403, is_violation=True)


def _signature(head: Head, given: _Authorization) -> str:
    method, address, _ = head.start.split(" ", 2)
    path, _, query = address.partition("?")
    request = "\n".join([
        method,
        _escape(unquote_to_bytes(path), "/"),
        "&".join(f"{key}={value}" for key, value in sorted(_pairs(query))),
        *(f"{name}:{_value(head, name)}" for name in given.signed),
        "",
        ";".join(given.signed),
        head.get("x-amz-content-sha256"),
    ])  # fmt: skip
    digest = hashlib.sha256(request.encode("latin-1")).hexdigest()
    text = f"AWS4-HMAC-SHA256\n{head.get('X-Amz-Date')}\n{given.scope}\n{digest}"
    return hmac.digest(_signing_key(given.day, given.region), text.encode(), "sha256").hex()


def _pairs(query: str) -> list[tuple[str, str]]:
    pairs = parse_qsl(query.replace("+", "%2B"), keep_blank_values=True)
    return [(_escape(key.encode()), _escape(value.encode())) for key, value in pairs]


def _value(head: Head, name: str) -> str:
    """Return a header's value as it is signed: runs of blanks are one, and several of a name are one list."""
    return ",".join(" ".join(value.split()) for key, value in head.fields if key.lower() == name)


def _escape(data: bytes, safe: str = "") -> str:
    return quote(data, safe=_UNRESERVED + safe)


@lru_cache(maxsize=16)
def _signing_key(day: str, region: str) -> bytes:
    key = f"AWS4{SECRET_ACCESS_KEY}".encode()
    for part in (day, region, "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
