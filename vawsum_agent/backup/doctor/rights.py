"""Which calls of S3 the role allows: each is tried so that it changes nothing, and what is missing is named."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vawsum_agent.core.errors import AccessDenied, NotFound
from vawsum_agent.core.finding import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vawsum_agent.aws.backup_bucket import BackupBucket
    from vawsum_agent.aws.objects_probe import ObjectsProbe
    from vawsum_agent.config.model import BackupConfig

_POLICY_CODES = frozenset({"AccessDenied", "AccessDeniedException", "403"})
_NO_NAME = "vawsum-agent-doctor"


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
    ask: Callable[[], object]
    is_of_bucket: bool = False


def rights(probe: ObjectsProbe, bucket: BackupBucket, backup: BackupConfig, server: str) -> Iterator[Finding]:
    """Try each call below the prefix of this host's data. Raises AwsError where it is about more than one call."""
    folder = f"{backup.prefix}{server}/"
    key = folder + _NO_NAME
    wanted = (
        _Right(
            "s3:PutObject",
            Severity.PROBLEM,
            "no backup can be made",
            lambda: probe.put(key, backup.kms_key_id),
        ),
        _Right("s3:GetObject", Severity.PROBLEM, "no backup can be verified or restored", lambda: probe.get(key)),
        _Right(
            "s3:ListBucket",
            Severity.PROBLEM,
            "no backup can be found",
            lambda: probe.some_keys(folder, 1),
            is_of_bucket=True,
        ),
        _Right(
            "s3:AbortMultipartUpload",
            Severity.WARNING,
            "parts of backups that failed stay, and cost",
            lambda: probe.abort(key),
        ),
        _Right(
            "s3:ListBucketMultipartUploads",
            Severity.WARNING,
            "parts of backups that were killed stay, and cost",
            lambda: probe.list_uploads(folder),
            is_of_bucket=True,
        ),
        _Right(
            "s3:GetObjectTagging", Severity.WARNING, "no backup is ever marked as expired", lambda: bucket.tags(key)
        ),
        _Right(
            "s3:PutObjectTagging",
            Severity.WARNING,
            "no backup is ever marked as expired",
            lambda: bucket.set_tags(key, {}),
        ),
    )
    where = f"s3://{backup.bucket}/{folder}"
    missing = [found for right in wanted if (found := _missing(right, backup, probe.region, where)) is not None]
    yield from missing or [Finding(Severity.OK, "every call that the agent makes is allowed", where)]


def _missing(right: _Right, backup: BackupConfig, region: str, where: str) -> Finding | None:
    error = denied(right.ask)
    if error is None or _is_about_another(right.action, error):
        return None
    if error.code.startswith("KMS") or "kms:" in error.message:
        what = f"the KMS key can't be used: {right.without}: {error.message}"
        return Finding(Severity.PROBLEM, what, where, error.hint)
    return Finding(
        right.severity,
        f"{right.action} is not allowed: {right.without}",
        where,
        allowing(right.action, backup, region, is_of_bucket=right.is_of_bucket),
    )


def _is_about_another(action: str, error: AccessDenied) -> bool:
    """Whether it is the fault of a right that is asked for by itself.

    An upload that may be begun and not aborted; an object that is not there, which without ListBucket looks closed.
    """
    if action == "s3:PutObject":
        return error.operation == "AbortMultipartUpload"
    return action != "s3:ListBucket" and "s3:ListBucket" in error.message.replace("s3:ListBucketMultipart", "")


def denied(ask: Callable[[], object]) -> AccessDenied | None:
    """Give the refusal of a policy; raises what is about more than this one call: no bucket, no credentials."""
    try:
        ask()
    except AccessDenied as error:
        if error.code in _POLICY_CODES or error.code.startswith("KMS") or "kms:" in error.message:
            return error
        raise
    except NotFound as error:
        if error.code != "NoSuchKey":
            raise
    return None


def allowing(action: str, backup: BackupConfig, region: str, *, is_of_bucket: bool) -> str:
    """Write what a policy lacks."""
    partition = "aws-cn" if region.startswith("cn-") else "aws-us-gov" if region.startswith("us-gov-") else "aws"
    bucket = f"arn:{partition}:s3:::{backup.bucket}"
    resource = bucket if is_of_bucket else f"{bucket}/{backup.prefix}*"
    statement = {"Effect": "Allow", "Action": action, "Resource": resource}
    return f"add to the role's policy: {json.dumps(statement)}"
