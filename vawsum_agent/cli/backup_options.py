"""What the commands about backups share: where backups lie, as whom they work, and how a chosen backup is named."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from vawsum_agent.aws.backup_bucket import BackupBucket
from vawsum_agent.aws.metadata import InstanceMetadata
from vawsum_agent.backup.journal import Journal
from vawsum_agent.backup.names import BackupName, is_backup_id
from vawsum_agent.backup.publish.catalog import Catalog
from vawsum_agent.config.load import load
from vawsum_agent.config.placeholders import expand
from vawsum_agent.core.errors import AwsError, BackupError, UsageError
from vawsum_agent.core.text import printable
from vawsum_agent.daemon.identity import Host
from vawsum_agent.daemon.log_output import silence
from vawsum_agent.daemon.session import open_session

if TYPE_CHECKING:
    from collections.abc import Callable

    from vawsum_agent.aws.session import AwsSession
    from vawsum_agent.backup.publish.catalog import Standing
    from vawsum_agent.config.model import BackupConfig, Config
    from vawsum_agent.core.identity import Identity

F = TypeVar("F", bound="Callable[..., Any]")


@dataclass(frozen=True, slots=True)
class Ground:
    """All that a command about backups works with.

    Attributes:
        server: the name of this host's data.
    """

    config: Config
    backup: BackupConfig
    identity: Identity
    server: str
    session: AwsSession
    bucket: BackupBucket
    catalog: Catalog
    journal: Journal


def ground(config_path: Path) -> Ground:
    """Load the configuration, open the way to AWS, and become the user whose the state is.

    Raises:
        ConfigError, UsageError: it names no backups.
        AwsError: no region, no credentials.
        BackupError: that user can't be become.
    """
    silence()
    config = load(config_path).config
    if config.backup is None:
        message = f"{config_path} has no table [backup]"
        raise UsageError(message, hint="add it, with the bucket")
    host = Host(InstanceMetadata())
    identity = host.identity(config.agent)
    session = open_session(config.agent, host)
    state_dir = Path(config.agent.state_dir)
    if os.geteuid() == 0:
        with suppress(AwsError):  # the first call says so, naming what it was for
            session.credentials()  # while we are who we are: nobody else can read root's ~/.aws
        _become_owner(state_dir)
    bucket = BackupBucket(session, config.backup.bucket, config.backup.kms_key_id)
    server = expand(config.backup.server, identity.placeholders())
    return Ground(
        config,
        config.backup,
        identity,
        server,
        session,
        bucket,
        Catalog(bucket, config.backup.prefix),
        Journal(state_dir),
    )


def _become_owner(state_dir: Path) -> None:
    """Give root's rights up for good: neither the dump nor its journal needs them, and the daemon must read the latter.

    Raises:
        BackupError: the owner of the folder is no user that can be become.
    """
    try:
        owner = state_dir.stat()
    except FileNotFoundError:
        return
    if owner.st_uid == 0:
        return
    try:
        os.setgroups([])
        os.setresgid(owner.st_gid, owner.st_gid, owner.st_gid)
        os.setresuid(owner.st_uid, owner.st_uid, owner.st_uid)
    except OSError as exc:
        message = f"the owner of {state_dir} can't be become: {exc.strerror}"
        raise BackupError(message, hint="run it as the user the daemon runs as") from exc


def backup_argument(command: F) -> F:
    """An optional ID, passed as ``backup_id``."""
    return click.argument("backup_id", metavar="[ID|latest]", default="latest")(command)


def slot_option(command: F) -> F:
    """``--slot``, by which the daemon tells for which moment of the schedule a job runs."""
    return click.option("--slot", type=float, hidden=True)(command)


def chosen(catalog: Catalog, backup_id: str, server: str) -> BackupName:
    """Find the backup that is meant.

    Args:
        catalog: of all that exist.
        backup_id: one, or ``latest``: that is not known to be damaged.
        server: the name of the data.

    Raises:
        UsageError: it is no ID.
        BackupError: there is none, or not this one, or all are damaged.
        AwsError: S3 does not answer.
    """
    if backup_id != "latest" and not is_backup_id(backup_id):
        message = f"{backup_id!r} is no backup ID"
        raise UsageError(message, hint="such as 20260131T183000Z, or latest; `vawsum-agent backup list` shows them")
    found = catalog.found(server)
    names = [each.name for each in found if each.is_published]
    if not names:
        others = sorted({name.server for name in catalog.backups()})
        others_hint = f"there are some of {', '.join(others[:5])}: see --server"
        hint = others_hint if others else "`vawsum-agent backup run` makes one"
        message = f"there is no backup of {server}"
        raise BackupError(message, hint=hint)
    if backup_id == "latest":
        return _latest(catalog.standing(found), server)
    wanted = BackupName(server, backup_id)
    if wanted not in names:
        before = [name.backup_id for name in names if name.backup_id < backup_id]
        near = before[-1] if before else names[0].backup_id
        message = f"there is no backup {backup_id} of {server}"
        raise BackupError(message, hint=f"the nearest is {near}; `vawsum-agent backup list` shows all")
    return wanted


def _latest(standing: Standing, server: str) -> BackupName:
    for each in standing.damaged:
        click.echo(printable(f"passed over: backup {each.name.backup_id} is damaged: {each.problems[0]}"), err=True)
    if standing.newest is None:
        message = f"every backup of {server} is damaged"
        hint = "`vawsum-agent backup run` makes another; one of these is read all the same where its ID is given"
        raise BackupError(message, hint=hint)
    return standing.newest.name
