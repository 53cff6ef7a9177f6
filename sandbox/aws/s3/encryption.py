"""Which KMS key an object is encrypted with, and whether that key can be used. The keys are those in the settings."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandbox.aws.account import ACCOUNT_ID, REGION
from sandbox.aws.answers import ServiceError
from sandbox.aws.s3.errors import invalid_request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.aws.s3.answers import Fields
    from sandbox.aws.wire import Head

_PREFIX = "x-amz-server-side-encryption"
_ARN = f"arn:aws:kms:{REGION}:{ACCOUNT_ID}:"
MANAGED_KEY_ARN = f"{_ARN}key/5a4d6b0e-0000-4000-8000-0000000000a3"
"""The account's own key for S3, which needs no naming."""


@dataclass(frozen=True, slots=True)
class Encryption:
    """How an object is encrypted: with a KMS key, or by S3 alone where `key_arn` is empty."""

    key_arn: str = ""
    has_bucket_key: bool = False

    @property
    def fields(self) -> Fields:
        """The headers that tell of it."""
        if not self.key_arn:
            return ((_PREFIX, "AES256"),)
        bucket_key = ((f"{_PREFIX}-bucket-key-enabled", "true"),) if self.has_bucket_key else ()
        return ((_PREFIX, "aws:kms"), (f"{_PREFIX}-aws-kms-key-id", self.key_arn), *bucket_key)


def read_encryption(head: Head, default_key_id: str) -> Encryption:
    """Return how a request wants its object encrypted; without a word, as the bucket has it by default."""
    how, key_id = head.get(_PREFIX), head.get(f"{_PREFIX}-aws-kms-key-id")
    has_bucket_key = head.get(f"{_PREFIX}-bucket-key-enabled").lower() == "true"
    if how not in {"", "AES256", "aws:kms"}:
        raise invalid_request("The encryption method specified is not supported", "InvalidEncryptionAlgorithmError")
    if key_id and how != "aws:kms":
        message = f"{_PREFIX}-aws-kms-key-id header is only supported with aws:kms"
        raise invalid_request(message, "InvalidArgument")
    if how == "aws:kms":
        return Encryption(key_arn(key_id), has_bucket_key)
    return Encryption(key_arn(default_key_id)) if default_key_id and not how else Encryption()


def key_arn(key_id: str) -> str:
    """Return the ARN of the key that an id, an ARN, or an alias names; of the account's own for an empty text."""
    if not key_id:
        return MANAGED_KEY_ARN
    name = key_id.removeprefix(_ARN)
    if name.startswith("alias/"):
        # The key behind an alias has an id of its own, which nobody wrote down here.
        return f"{_ARN}key/{uuid.uuid5(uuid.NAMESPACE_URL, name)}"
    return key_id if key_id.startswith("arn:") else f"{_ARN}key/{name}"


def check_key(arn: str, keys: Mapping[str, str], action: str) -> None:
    """Raise the error of S3 for a key that can't be used.

    Args:
        arn: of the key; empty for none.
        keys: state by id, ARN or alias: `enabled`, `disabled`, `pending-deletion`, or `denied` by its own policy.
        action: of KMS, which a key's own policy denies.
    """
    if not arn or arn == MANAGED_KEY_ARN:
        return
    state = next((state for name, state in keys.items() if key_arn(name) == arn), "missing")
    if state == "missing":
        raise ServiceError("KMS.NotFoundException", f"Key '{arn}' does not exist")
    if state == "disabled":
        raise ServiceError("KMS.DisabledException", f"{arn} is disabled.")
    if state == "pending-deletion":
        raise ServiceError("KMS.KMSInvalidStateException", f"{arn} is pending deletion.")
    if state == "denied":
        message = f"not authorized to perform: {action} on resource: {arn} because no resource-based policy allows it"
        raise ServiceError("AccessDenied", message, status=403)
