"""Builds what the commands about deploys work with, from the configuration and this host."""

from __future__ import annotations

import itertools
import os
import time
from functools import partial
from typing import TYPE_CHECKING

from vawsum_agent.aws.artifact_bucket import ArtifactBucket
from vawsum_agent.aws.autoscaling import AutoScaling
from vawsum_agent.aws.load_balancing import LoadBalancing
from vawsum_agent.aws.metadata import InstanceMetadata
from vawsum_agent.aws.secret_bucket import SecretBucket
from vawsum_agent.cli.deploy_identity import ThisHost, this_host_for_certain
from vawsum_agent.cli.deploy_marks import HostMarks
from vawsum_agent.core.clock import SystemClock
from vawsum_agent.daemon.identity import Host
from vawsum_agent.daemon.paths import control_socket
from vawsum_agent.daemon.session import open_session
from vawsum_agent.deploy.copies import copies_here
from vawsum_agent.deploy.fetch.from_bucket import BucketArtifacts
from vawsum_agent.deploy.guard.daemon_source import DaemonSource
from vawsum_agent.deploy.journal import Journal
from vawsum_agent.deploy.redact import Redactor
from vawsum_agent.deploy.secrets.everyones import everyones_values
from vawsum_agent.deploy.service.host import this_host
from vawsum_agent.deploy.service.services import Services
from vawsum_agent.deploy.steps import steps_of
from vawsum_agent.deploy.steps.here import Here
from vawsum_agent.deploy.work import Deeds, Work

if TYPE_CHECKING:
    from collections.abc import Callable

    from vawsum_agent.aws.session import AwsSession
    from vawsum_agent.cli.deploy_options import Apps
    from vawsum_agent.config.model import Config, DeployApp
    from vawsum_agent.deploy.record import Record


def artifacts_of(config: Config, app: DeployApp) -> BucketArtifacts:
    """The place where an application's releases are published. Raises AwsError: no region, no credentials."""
    session = open_session(config.agent, Host(InstanceMetadata()))
    return BucketArtifacts(ArtifactBucket(session, app.artifacts))


def work_of(apps: Apps) -> Work:
    """What deploys on this host. Raises AwsError: no region, no credentials."""
    clock, metadata = SystemClock(), InstanceMetadata()
    here = this_host_for_certain(apps.config.agent, metadata)
    session = open_session(apps.config.agent, here.host, is_lasting=False)
    folders = apps.folders()
    topic = apps.config.notify.sns_topic_arn if apps.config.notify is not None else ""

    def last_lines(record: Record, count: int) -> list[str]:
        try:
            text = Journal(folders[record.app], clock).log_path(record.deploy_id).read_text(errors="replace")
        except OSError:
            return []
        return text.splitlines()[-count:]

    return Work(
        folders,
        partial(_deeds, apps, session, metadata, here, clock),
        HostMarks(session, here.identity, topic, clock, last_lines),
        clock,
        instance_id=here.identity.instance_id,
        pid=os.getpid(),
        copies=copies_here(os.environ),
    )


def _deeds(
    apps: Apps,
    session: AwsSession,
    metadata: InstanceMetadata,
    whose: ThisHost,
    clock: SystemClock,
    record: Record,
    say: Callable[[str], None],
) -> Deeds:
    app, folder = apps.by_name[record.app], apps.folders()[record.app]
    whose.see_that_it_is_known(app, record)
    # A database is often called as its application is: what everybody knows is not hidden.
    known = [
        (each.name, each.path, each.artifacts, each.health_url, each.health_host) for each in apps.by_name.values()
    ]
    redactor = Redactor([record.release, *itertools.chain.from_iterable(known)])
    for value in everyones_values(apps.folders().values()):
        redactor.add(value)
    here = Here(
        record=record,
        app=app,
        folder=folder,
        artifacts=BucketArtifacts(ArtifactBucket(session, app.artifacts)),
        secrets=SecretBucket(session, app.secrets) if app.secrets else None,
        services=Services(LoadBalancing(session), AutoScaling(session)),
        host=this_host(whose.identity.instance_id, metadata),
        traffic=DaemonSource(control_socket(apps.config.agent)),
        records=Journal(folder, clock).records,
        clock=clock,
        sleep=time.sleep,
        say=say,
        redactor=redactor,
    )
    return Deeds(steps_of(here), redactor)
