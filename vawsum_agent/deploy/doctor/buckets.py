"""Whether releases can be fetched, and the secrets that they need."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.aws.artifact_bucket import ArtifactBucket
from vawsum_agent.aws.secret_bucket import SecretBucket
from vawsum_agent.core.errors import AccessDenied, AgentError, AwsError, NotFound
from vawsum_agent.core.finding import Finding, Severity
from vawsum_agent.core.units import counted
from vawsum_agent.deploy.doctor.rights import allowing, is_of_policy, of_bucket, refused
from vawsum_agent.deploy.release_id import is_release_id
from vawsum_agent.deploy.secrets.source import read_newest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vawsum_agent.aws.objects_probe import ObjectsProbe
    from vawsum_agent.aws.session import AwsSession
    from vawsum_agent.config.model import DeployApp

_NO_NAME = "vawsum-agent-doctor"
_LARGEST_CHECKSUM_BYTES = 4096
_CHECK = "check network, proxy and endpoint settings"


def artifacts(app: DeployApp, session: AwsSession, probe: ObjectsProbe) -> Iterator[Finding]:
    """List the releases, and read a checksum; nothing is written.

    Args:
        app: whose.
        session: to ask with.
        probe: of the same bucket.
    """
    prefix = app.artifacts.removeprefix("s3://").partition("/")[2]
    try:
        missing = []
        if refused(lambda: probe.some_keys(prefix, 1)):
            missing.append(_missing("s3:ListBucket", app.artifacts, session.region, "no release can be found"))
        denied = refused(lambda: probe.get(prefix + _NO_NAME))
        # Without ListBucket an object that does not exist looks like one that may not be read.
        if denied is not None and "s3:ListBucket" not in denied.message:
            missing.append(_missing("s3:GetObject", app.artifacts, session.region, "no release can be fetched"))
        yield from missing or [_releases(app, ArtifactBucket(session, app.artifacts))]
    except AwsError as error:
        yield Finding(Severity.PROBLEM, error.message, app.artifacts, _remedy(error, app.artifacts, session.region))


def secrets(app: DeployApp, session: AwsSession) -> Iterator[Finding]:
    """Read the secrets as the next release will, each by its version, and forget them."""
    if not app.secrets:
        return
    try:
        pins, _ = read_newest(SecretBucket(session, app.secrets), lambda _: None)
    except AccessDenied as error:
        if is_of_policy(error):
            yield _missing(f"s3:{error.operation}", app.secrets, session.region, "no release gets its secrets")
        else:
            yield Finding(Severity.PROBLEM, error.message, app.secrets, error.hint or _CHECK)
    except AgentError as error:
        yield Finding(Severity.PROBLEM, error.message, app.secrets, _remedy(error, app.secrets, session.region))
    else:
        what = f"{counted(len(pins.secrets), 'secret')}, readable, each with a version to go back to"
        yield Finding(Severity.OK, what, app.secrets)


def _releases(app: DeployApp, bucket: ArtifactBucket) -> Finding:
    names = [row.name.removesuffix(".sha256") for row in bucket.listing() if row.name.endswith(".sha256")]
    releases = [name for name in names if is_release_id(name)]
    if not releases:
        remedy = f"publish one: vawsum-agent release publish --app {app.name}"
        return Finding(Severity.WARNING, "no release is published", app.artifacts, remedy)
    # Where a key encrypts it, this is what tells whether that may be used.
    bucket.read(f"{releases[-1]}.sha256", _LARGEST_CHECKSUM_BYTES)
    what = f"{counted(len(releases), 'release')} published, the newest {releases[-1]}"
    return Finding(Severity.OK, what, app.artifacts)


def _missing(action: str, folder: str, region: str, without: str) -> Finding:
    resource = of_bucket(folder, region, is_of_objects=action.startswith("s3:GetObject"))
    return Finding(Severity.PROBLEM, f"{action} is not allowed: {without}", folder, allowing(action, resource))


def _remedy(error: AgentError, folder: str, region: str) -> str:
    if isinstance(error, NotFound) and error.code == "NoSuchBucket":
        bucket = folder.removeprefix("s3://").partition("/")[0]
        return f"correct its name in the configuration, or: aws s3 mb s3://{bucket} --region {region}"
    return error.hint or _CHECK
