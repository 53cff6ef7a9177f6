"""What AWS says of deploys: of releases, of secrets, and of this host among its peers. Nothing is changed by asking."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.aws.autoscaling import AutoScaling
from vawsum_agent.aws.load_balancing import LoadBalancing
from vawsum_agent.aws.objects_probe import ObjectsProbe
from vawsum_agent.core.errors import AwsError
from vawsum_agent.core.finding import Finding, Severity
from vawsum_agent.deploy.doctor.buckets import artifacts, secrets
from vawsum_agent.deploy.doctor.peers import peers
from vawsum_agent.deploy.service.host import this_host
from vawsum_agent.deploy.service.services import Services

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vawsum_agent.aws.session import AwsSession
    from vawsum_agent.config.model import DeployConfig
    from vawsum_agent.core.identity import Identity
    from vawsum_agent.deploy.service.host import Metadata


def aws(
    deploy: DeployConfig, identity: Identity, session: AwsSession, metadata: Metadata, *, tells_the_clock: bool
) -> Iterator[Finding]:
    """Ask for all applications.

    Args:
        deploy: the applications.
        identity: of this host.
        session: to ask with.
        metadata: tells this host's addresses.
        tells_the_clock: unless another check has told it already.
    """
    try:
        services = Services(LoadBalancing(session), AutoScaling(session))
        host = this_host(identity.instance_id, metadata)
        for number, app in enumerate(deploy.app):
            bucket = app.artifacts.removeprefix("s3://").partition("/")[0]
            probe = ObjectsProbe(session, bucket)
            found = [*artifacts(app, session, probe), *secrets(app, session), peers(app, host, services)]
            if tells_the_clock and number == 0:
                # Above all where requests were refused: a clock that is far off is why.
                yield from probe.skew.findings()
            yield from found
    except AwsError as error:
        yield Finding(Severity.PROBLEM, error.message, "AWS", error.hint or "check AWS_* variables and ~/.aws")
