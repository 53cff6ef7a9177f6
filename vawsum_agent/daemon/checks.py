"""What ``doctor`` and ``check-config --online`` look at; each capability adds its own. Needs no running daemon."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from vawsum_agent.aws.metadata import InstanceMetadata
from vawsum_agent.core.clock import SystemClock
from vawsum_agent.core.errors import AwsError
from vawsum_agent.core.finding import Finding, Severity
from vawsum_agent.core.units import format_bytes
from vawsum_agent.daemon.eyes import eyes_of_daemon
from vawsum_agent.daemon.identity import Host
from vawsum_agent.daemon.paths import control_socket
from vawsum_agent.daemon.probe import listener_pid
from vawsum_agent.daemon.session import open_session

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vawsum_agent.aws.session import AwsSession
    from vawsum_agent.config.model import Config
    from vawsum_agent.core.identity import Identity

_LITTLE_SPACE_BYTES = 256 << 20

# What is not configured is not imported.


def diagnose(config: Config, root: Path = Path("/")) -> Iterator[Finding]:
    """Run all that ``doctor`` runs; ``root`` is where ``etc/logrotate.conf`` is looked for."""
    yield from folders(config)
    host = Host(InstanceMetadata())
    identity = host.identity(config.agent)
    pid = listener_pid(control_socket(config.agent))
    eyes = eyes_of_daemon(Path(config.agent.state_dir), pid)
    if config.logs is not None:
        from vawsum_agent.logs import doctor as logs_doctor  # noqa: PLC0415

        yield from logs_doctor.checks(config, identity, eyes, daemon_pid=pid, root=root, now=SystemClock().now())
    if config.metrics is not None:
        from vawsum_agent.metrics import doctor as metrics_doctor  # noqa: PLC0415

        yield from metrics_doctor.checks(config)
    if config.images is not None:
        from vawsum_agent.images import doctor as images_doctor  # noqa: PLC0415

        apache = config.metrics.apache if config.metrics is not None else None
        yield from images_doctor.checks(config.images, eyes, pid, apache.status_url if apache is not None else None)
    if config.backup is not None:
        from vawsum_agent.backup import doctor as backup_doctor  # noqa: PLC0415

        yield from backup_doctor.checks(config.backup, config.agent.state_dir)
    if config.deploy is not None:
        from vawsum_agent.deploy import doctor as deploy_doctor  # noqa: PLC0415
        from vawsum_agent.deploy.guard.daemon_source import DaemonSource  # noqa: PLC0415

        traffic = DaemonSource(control_socket(config.agent))
        yield from deploy_doctor.checks(config.deploy, config.logs, traffic, SystemClock().now())
    yield from _aws(config, host, identity)


def probe(config: Config) -> Iterator[Finding]:
    """Run what ``check-config --online`` runs: whether what the configuration names is there and lets us in."""
    yield from folders(config)
    host = Host(InstanceMetadata())
    pid = listener_pid(control_socket(config.agent))
    eyes = eyes_of_daemon(Path(config.agent.state_dir), pid)
    if config.logs is not None:
        from vawsum_agent.logs import doctor as logs_doctor  # noqa: PLC0415

        yield from logs_doctor.access(config.logs, eyes, pid)
    if config.metrics is not None:
        from vawsum_agent.metrics import doctor as metrics_doctor  # noqa: PLC0415

        yield from metrics_doctor.access(config)
    if config.images is not None:
        from vawsum_agent.images import doctor as images_doctor  # noqa: PLC0415

        yield from images_doctor.access(config.images, eyes, pid)
    if config.backup is not None:
        from vawsum_agent.backup import doctor as backup_doctor  # noqa: PLC0415

        yield from backup_doctor.access(config.backup, config.agent.state_dir)
    if config.deploy is not None:
        from vawsum_agent.deploy import doctor as deploy_doctor  # noqa: PLC0415

        yield from deploy_doctor.access(config.deploy, SystemClock().now())
    yield from _aws(config, host, host.identity(config.agent))


def _aws(config: Config, host: Host, identity: Identity) -> Iterator[Finding]:
    if not any((config.logs, config.metrics, config.images, config.backup, config.deploy, config.notify)):
        return
    try:
        session = open_session(config.agent, host)
    except AwsError as error:
        yield Finding(Severity.PROBLEM, error.message, "AWS", error.hint)
        return
    yield from _ask_aws(config, identity, session)


def _ask_aws(config: Config, identity: Identity, session: AwsSession) -> Iterator[Finding]:
    if config.logs is not None:
        from vawsum_agent.logs.doctor.aws import aws as logs_aws  # noqa: PLC0415

        yield from logs_aws(config.logs, identity, session)
    if config.metrics is not None:
        from vawsum_agent.metrics.doctor.aws import aws as metrics_aws  # noqa: PLC0415

        yield from metrics_aws(config.metrics, session, InstanceMetadata(), tells_the_clock=config.logs is None)
    if config.images is not None:
        from vawsum_agent.images.doctor.aws import aws as images_aws  # noqa: PLC0415

        is_told = config.logs is not None or config.metrics is not None
        yield from images_aws(config.images, session, tells_the_clock=not is_told)
    if config.backup is not None:
        from vawsum_agent.backup.doctor.aws import aws as backup_aws  # noqa: PLC0415

        is_told = any((config.logs, config.metrics, config.images))
        now, state_dir = SystemClock().now(), config.agent.state_dir
        yield from backup_aws(config.backup, identity, session, state_dir, now, tells_the_clock=not is_told)
    if config.deploy is not None:
        from vawsum_agent.deploy.doctor.aws import aws as deploy_aws  # noqa: PLC0415

        is_told = any((config.logs, config.metrics, config.images, config.backup))
        yield from deploy_aws(config.deploy, identity, session, InstanceMetadata(), tells_the_clock=not is_told)
    if config.notify is not None:
        from vawsum_agent.alerts.doctor import checks as alerts_checks  # noqa: PLC0415

        yield from alerts_checks(config.notify, session)


def folders(config: Config) -> Iterator[Finding]:
    """Check that the daemon's own folders exist, can be written, and have room."""
    for key, name in (("state_dir", config.agent.state_dir), ("runtime_dir", config.agent.runtime_dir)):
        yield _folder(key, Path(name))
    state = Path(config.agent.state_dir)
    if state.is_dir():
        yield _space(state)


def _folder(key: str, path: Path) -> Finding:
    if not path.exists():
        parent = next(folder for folder in path.parents if folder.exists())
        if os.access(parent, os.W_OK | os.X_OK):
            return Finding(Severity.OK, f"agent.{key} does not exist yet; the daemon creates it", str(path))
        remedy = f"create {path} and give it to the user the daemon runs as"
        return Finding(
            Severity.PROBLEM, f"agent.{key} does not exist and can't be created by this user", str(path), remedy
        )
    if not path.is_dir() or not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        remedy = f"give {path} to the user the daemon runs as, or run this command as that user"
        return Finding(Severity.PROBLEM, f"agent.{key} can't be written by this user", str(path), remedy)
    return Finding(Severity.OK, f"agent.{key} can be written", str(path))


def _space(path: Path) -> Finding:
    free = shutil.disk_usage(path).free
    what = f"{format_bytes(free)} free for checkpoints and dead letters"
    if free < _LITTLE_SPACE_BYTES:
        return Finding(Severity.WARNING, what, str(path), "free some space, or move agent.state_dir to a larger disk")
    return Finding(Severity.OK, what, str(path))
