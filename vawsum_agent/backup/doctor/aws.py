"""What S3 says: whether backups can be written, read and found, whether the bucket keeps and removes what it should."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from vawsum_agent.aws.backup_bucket import BackupBucket
from vawsum_agent.aws.objects_probe import ObjectsProbe
from vawsum_agent.backup.doctor.age import of_damage, of_newest
from vawsum_agent.backup.doctor.drill import drills
from vawsum_agent.backup.doctor.lifecycle import Wanted, judge
from vawsum_agent.backup.doctor.rights import allowing, denied, rights
from vawsum_agent.backup.publish.catalog import Catalog
from vawsum_agent.config.placeholders import expand
from vawsum_agent.core.errors import AgentError, AwsError, NotFound
from vawsum_agent.core.finding import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vawsum_agent.aws.session import AwsSession
    from vawsum_agent.config.model import BackupConfig
    from vawsum_agent.core.identity import Identity

_T = TypeVar("_T")
_CHECK = "check network, proxy and endpoint settings"


def aws(
    backup: BackupConfig, identity: Identity, session: AwsSession, state_dir: str, now: float, *, tells_the_clock: bool
) -> Iterator[Finding]:
    """Ask without leaving anything in the bucket.

    Args:
        backup: as it is configured.
        identity: of this host, for the name of its data.
        session: to ask with.
        state_dir: where drills are held unless it is configured otherwise.
        now: seconds since the epoch.
        tells_the_clock: unless another check has told it already.
    """
    where = f"s3://{backup.bucket}/{backup.prefix}"
    server = expand(backup.server, identity.placeholders())
    try:
        probe, bucket = ObjectsProbe(session, backup.bucket), BackupBucket(session, backup.bucket, backup.kms_key_id)
    except AwsError as error:
        yield Finding(Severity.PROBLEM, error.message, where, error.hint or _CHECK)
        return
    found: list[Finding] = []
    try:
        found += rights(probe, bucket, backup, server)
        found += _kept(probe, bucket, backup, server)
        catalog = Catalog(bucket, backup.prefix)
        standing = catalog.standing(catalog.found(server))
        newest = None if standing.newest is None else catalog.published(standing.newest)
        found += [of_damage(each, server) for each in standing.damaged]
        found.append(of_newest(newest, backup, server, now))
        found += drills(backup, state_dir, newest)
    except AgentError as error:
        found.append(Finding(Severity.PROBLEM, error.message, where, _remedy(error, backup, session)))
    if tells_the_clock:
        # Above all where requests were refused: a clock that is far off is why.
        yield from probe.skew.findings()
    yield from found


def _kept(probe: ObjectsProbe, bucket: BackupBucket, backup: BackupConfig, server: str) -> Iterator[Finding]:
    """Tell whether the bucket keeps versions, and removes what may go and nothing else."""
    where, is_versioned = f"s3://{backup.bucket}", _allowed(bucket.is_versioned)
    if is_versioned is None:
        what = "its versioning was not looked at: s3:GetBucketVersioning is not allowed, and needed for nothing else"
        yield Finding(Severity.OK, what, where)
    else:
        yield of_versioning(backup.bucket, is_versioned=is_versioned)
    action = "s3:GetLifecycleConfiguration"
    rules = _allowed(bucket.lifecycle_rules)
    if rules is None:
        what = f"{action} is not allowed: nobody knows whether what may go ever does, and what else goes"
        remedy = allowing(action, backup, probe.region, is_of_bucket=True)
        yield Finding(Severity.WARNING, what, where, remedy)
        return
    wanted = Wanted(backup.bucket, backup.prefix, server, backup.retention_days, is_versioned)
    yield from judge(rules, wanted)


def _allowed(ask: Callable[[], _T]) -> _T | None:
    """Give the answer; None where a policy refuses it. Raises AwsError where anything else is wrong."""
    answers: list[_T] = []
    return None if denied(lambda: answers.append(ask())) is not None else answers[0]


def of_versioning(bucket: str, *, is_versioned: bool) -> Finding:
    """Judge whether what is written over or deleted, by whomever, can be had again."""
    if is_versioned:
        what = "keeps versions: what is written over or deleted can be had again"
        return Finding(Severity.OK, what, f"s3://{bucket}")
    remedy = f"aws s3api put-bucket-versioning --bucket {bucket} --versioning-configuration Status=Enabled"
    what = "keeps no versions: a backup that is written over or deleted, by whomever, is gone"
    return Finding(Severity.WARNING, what, f"s3://{bucket}", remedy)


def _remedy(error: AgentError, backup: BackupConfig, session: AwsSession) -> str:
    if isinstance(error, NotFound) and (error.code == "NoSuchBucket" or not error.hint):
        return f"correct `bucket`, or: aws s3 mb s3://{backup.bucket} --region {session.region}"
    return error.hint or _CHECK
