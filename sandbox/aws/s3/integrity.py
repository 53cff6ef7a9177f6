"""Whether a body is what its request promised: SHA-256 of the signature, Content-MD5, checksums. Pure."""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING

from sandbox.aws.answers import ServiceError
from sandbox.aws.s3.errors import invalid_request
from sandbox.aws.s3.incoming import CHECKSUM_PREFIX, HASHERS, checksum_names, is_framed

if TYPE_CHECKING:
    from sandbox.aws.s3.incoming import Incoming
    from sandbox.aws.wire import Head

_SIZES = {"crc32": 4, "sha1": 20, "sha256": 32}
_HEX = re.compile(r"[0-9a-f]{64}")


def check_body(head: Head, incoming: Incoming) -> dict[str, str]:
    """Return the checksum that the client sent and that holds, by algorithm, in Base64; none or one.

    Raises:
        ServiceError: something promised does not hold, or can't be read.
    """
    promised = head.get("x-amz-content-sha256")
    if _HEX.fullmatch(promised) and promised != incoming.digests["sha256"].hex():
        message = "The provided 'x-amz-content-sha256' header does not match what was computed."
        raise invalid_request(message, "XAmzContentSHA256Mismatch")
    _check_md5(head.get("Content-MD5"), incoming.digests["md5"])
    return _check_checksum(head, incoming)


def _check_md5(text: str, computed: bytes) -> None:
    if text:
        given = decode(text, len(computed))
        if given is None:
            raise invalid_request("The Content-MD5 you specified was invalid.", "InvalidDigest")
        if given != computed:
            raise invalid_request("The Content-MD5 you specified did not match what we received.", "BadDigest")


def _check_checksum(head: Head, incoming: Incoming) -> dict[str, str]:
    names = checksum_names(head)
    _check_names(head, names)
    for name in names:
        header = CHECKSUM_PREFIX + name
        if head.get(header):
            text = head.get(header)
        elif header in incoming.trailers:
            text = incoming.trailers[header]
        else:
            raise invalid_request(f"The trailer {header} was announced and is missing", "MalformedTrailerError")
        given = decode(text, _SIZES[name])
        if given is None:
            raise invalid_request(f"Value for {header} header is invalid.")
        if given != incoming.digests[name]:
            message = f"The {name.upper()} you specified did not match the calculated checksum."
            raise invalid_request(message, "BadDigest")
        return {name: text}
    return {}


def _check_names(head: Head, names: set[str]) -> None:
    if len(names) > 1:
        raise invalid_request("Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
    if unknown := names - (HASHERS.keys() & _SIZES.keys()):
        message = f"the sandbox does not know checksums by {min(unknown)}"
        raise ServiceError("NotImplemented", message, status=501, is_violation=True)
    if head.get("x-amz-trailer") and not is_framed(head):
        raise invalid_request("x-amz-trailer needs a body that can carry one")
    wanted = head.get("x-amz-sdk-checksum-algorithm").lower()
    if wanted and not names:
        raise invalid_request(
            "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers "
            "were found."
        )
    if wanted and names != {wanted}:
        raise invalid_request("Value for x-amz-sdk-checksum-algorithm header is invalid.")


def decode(text: str, size_bytes: int) -> bytes | None:
    """Return what a Base64 text stands for, or None where it is none of that size."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if len(data) == size_bytes else None
