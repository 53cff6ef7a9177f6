"""What S3 says of the buckets: whether they are there, in this region and versioned, and which calls are allowed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vawsum_agent.aws.objects_probe import ObjectsProbe
from vawsum_agent.core.errors import AccessDenied, AwsError, NotFound, Unavailable
from vawsum_agent.core.finding import Finding, Severity
from vawsum_agent.images.doctor.public import public

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vawsum_agent.aws.session import AwsSession
    from vawsum_agent.config.model import ImagesConfig, ImagesFolder

_POLICY_CODES = frozenset({"AccessDenied", "AccessDeniedException", "403"})
_NO_NAME = "vawsum-agent-doctor.jpg"
_KEYS = 20


@dataclass(frozen=True, slots=True)
class _Right:
    """A call that the agent makes.

    Attributes:
        without: what does not work without it.
        is_of_bucket: allowed on the bucket, not on its objects.
    """

    action: str
    severity: Severity
    without: str
    is_of_bucket: bool = False


_PUT = _Right("s3:PutObject", Severity.PROBLEM, "nothing moves")
_GET = _Right("s3:GetObject", Severity.PROBLEM, "what is in the bucket already can't be compared, and stays here")
_LIST = _Right("s3:ListBucket", Severity.WARNING, "`images rehydrate` brings back no folders", is_of_bucket=True)
_ABORT = _Right("s3:AbortMultipartUpload", Severity.WARNING, "parts of large files that failed stay, and cost")
_UPLOADS = _Right("s3:ListBucketMultipartUploads", Severity.WARNING, _ABORT.without, is_of_bucket=True)


def aws(images: ImagesConfig, session: AwsSession, *, tells_the_clock: bool) -> Iterator[Finding]:
    """Ask without leaving anything in a bucket; ``tells_the_clock`` unless another check has told it already."""
    found: list[Finding] = []
    probes: dict[str, ObjectsProbe] = {}
    for folder in images.folder:
        where = f"s3://{folder.bucket}/{folder.prefix}"
        try:
            is_new = folder.bucket not in probes
            probe = probes.setdefault(folder.bucket, ObjectsProbe(session, folder.bucket))
            found += _Folder(folder, probe, where).findings(is_first=is_new)
        except AwsError as error:
            remedy = _remedy(error, folder, session)
            found.append(Finding(Severity.PROBLEM, error.message, where, remedy))
            if isinstance(error, Unavailable):
                break  # each further folder would wait as long
    if tells_the_clock:
        # Above all where requests were refused: a clock that is far off is why.
        clock = next((told for probe in probes.values() if (told := probe.skew.findings())), [])
        yield from clock
    yield from dict.fromkeys(found)


def _remedy(error: AwsError, folder: ImagesFolder, session: AwsSession) -> str:
    if isinstance(error, NotFound) and (error.code == "NoSuchBucket" or not error.hint):
        return f"correct `bucket`, or: aws s3 mb s3://{folder.bucket} --region {session.region}"
    return error.hint or "check network, proxy and endpoint settings"


class _Folder:
    """One folder's place in its bucket."""

    def __init__(self, folder: ImagesFolder, probe: ObjectsProbe, where: str) -> None:
        self._folder = folder
        self._probe = probe
        self._where = where

    def findings(self, *, is_first: bool) -> list[Finding]:
        """Ask everything; what is about the bucket as a whole with its first folder. Raises AwsError."""
        found = [*self._rights()]
        if not found:
            found.append(Finding(Severity.OK, "every call that the agent makes is allowed", self._where))
        if is_first:
            found.append(self._versioned())
        answer = self._public()
        return [*found, answer] if answer is not None else found

    def _rights(self) -> Iterator[Finding]:
        folder, probe = self._folder, self._probe
        key = folder.prefix + _NO_NAME
        put = self._denied(lambda: probe.put(key, folder.kms_key_id))
        if put is not None and put.operation != "AbortMultipartUpload":
            yield self._missing(_PUT, put)
        get = self._denied(lambda: probe.get(key))
        if get is not None and "s3:ListBucket" not in get.message:
            yield self._missing(_GET, get)
        asked: list[tuple[_Right, Callable[[], object]]] = [
            (_LIST, lambda: probe.some_keys(folder.prefix, 1)),
            (_ABORT, lambda: probe.abort(key)),
            (_UPLOADS, lambda: probe.list_uploads(folder.prefix)),
        ]
        for right, ask in asked:
            denied = self._denied(ask)
            if denied is not None:
                yield self._missing(right, denied)

    def _denied(self, ask: Callable[[], object]) -> AccessDenied | None:
        """Give the refusal of a policy; raises what is about more than this one call: no bucket, no credentials."""
        try:
            ask()
        except AccessDenied as error:
            if error.code in _POLICY_CODES or _is_about_key(error):
                return error
            raise
        except NotFound as error:
            if error.code != "NoSuchKey":
                raise
        return None

    def _missing(self, right: _Right, error: AccessDenied) -> Finding:
        if _is_about_key(error):
            what = f"the KMS key can't be used: {right.without}: {error.message}"
            return Finding(right.severity, what, self._where, error.hint)
        bucket = f"arn:{_partition(self._probe.region)}:s3:::{self._folder.bucket}"
        resource = bucket if right.is_of_bucket else f"{bucket}/{self._folder.prefix}*"
        statement = {"Effect": "Allow", "Action": right.action, "Resource": resource}
        what = f"{right.action} is not allowed: {right.without}"
        return Finding(right.severity, what, self._where, f"add to the role's policy: {json.dumps(statement)}")

    def _versioned(self) -> Finding:
        bucket, where = self._folder.bucket, f"s3://{self._folder.bucket}"
        try:
            is_versioned = self._probe.is_versioned()
        except AccessDenied:
            what = (
                "its versioning was not looked at: s3:GetBucketVersioning is not allowed, and needed for nothing else"
            )
            return Finding(Severity.OK, what, where)
        if is_versioned:
            return Finding(Severity.OK, "keeps versions: what is written over or deleted can be had again", where)
        remedy = f"aws s3api put-bucket-versioning --bucket {bucket} --versioning-configuration Status=Enabled"
        what = "keeps no versions: a picture that is written over or deleted is gone"
        return Finding(Severity.WARNING, what, where, remedy)

    def _public(self) -> Finding | None:
        try:
            keys = self._probe.some_keys(self._folder.prefix, _KEYS)
        except AccessDenied:
            return None  # told above
        return public(self._folder, keys)


def _is_about_key(error: AccessDenied) -> bool:
    return error.code.startswith("KMS") or "kms:" in error.message


def _partition(region: str) -> str:
    return "aws-cn" if region.startswith("cn-") else "aws-us-gov" if region.startswith("us-gov-") else "aws"
