"""A request that is being carried out, and what operations share."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sandbox.aws.answers import ServiceError
from sandbox.aws.s3.access import key_access, key_actions, listing
from sandbox.aws.s3.encryption import MANAGED_KEY_ARN, check_key
from sandbox.aws.s3.errors import no_such_key
from sandbox.aws.s3.incoming import CHECKSUM_PREFIX, Incoming

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.aws.policy import Gatekeeper
    from sandbox.aws.s3.answers import Fields
    from sandbox.aws.s3.bodies import Span
    from sandbox.aws.s3.target import Target
    from sandbox.aws.settings import Settings
    from sandbox.aws.wire import Head


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request whose body has come in and holds what it promised.

    Attributes:
        target, head: what it is about, and all it says.
        body: of a request that carries a document.
        span: where the body of an object or a part lies.
        checksums: that the client sent, by algorithm, in Base64.
        now_ms: the service's time.
    """

    target: Target
    head: Head
    request_id: str
    now_ms: int
    body: bytes = b""
    span: Span | None = None
    incoming: Incoming = field(default_factory=Incoming)
    checksums: Mapping[str, str] = field(default_factory=dict)

    def etag(self, key_arn: str) -> str:
        """Return the tag of a body that came in one piece: its MD5, unless a key hides that."""
        if key_arn:
            return hashlib.md5(self.request_id.encode(), usedforsecurity=False).hexdigest()
        return self.incoming.digests["md5"].hex()


class Permissions:
    """What depends on what is stored: KMS keys, and who may know that something is missing."""

    def __init__(self, gatekeeper: Gatekeeper, settings: Settings) -> None:
        self._gatekeeper = gatekeeper
        self._settings = settings

    def use_key(self, call: Call, arn: str) -> None:
        """Raise unless the client may use this key for this operation, and the key can be used."""
        for action in key_actions(call.target, call.head):
            if arn and arn != MANAGED_KEY_ARN:
                self._gatekeeper.check(key_access(action, arn))
            check_key(arn, self._settings.kms_keys, action)

    def missing(self, call: Call) -> ServiceError:
        """Return the error for a missing key: only who may list the bucket learns that it is missing."""
        try:
            self._gatekeeper.check(listing(call.target))
        except ServiceError as error:
            return error
        return no_such_key()


def checksum_fields(checksums: Mapping[str, str], kind: str) -> Fields:
    """Return the headers that tell of checksums."""
    fields = tuple((CHECKSUM_PREFIX + name, text) for name, text in checksums.items())
    return (*fields, ("x-amz-checksum-type", kind)) if fields else ()
