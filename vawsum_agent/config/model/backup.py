"""``[backup]`` as frozen values."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from vawsum_agent.config.model.values import AbsolutePath, NonEmpty
from vawsum_agent.config.rules import (
    BUCKET,
    DISTINCT,
    KEY_PREFIX,
    OPTIONAL_PATH,
    SCHEDULE,
    SERVER_NAME,
    TIMEZONE,
    between,
)


class BackupDrill(msgspec.Struct, frozen=True, kw_only=True):
    """``[backup.drill]``: restores the last backup into a private scratch server, and measures how long it took."""

    schedule: Annotated[NonEmpty, SCHEDULE, Meta(description="when, in the time zone of `[backup]`")] = "0 4 * * sun"
    directory: Annotated[
        str, OPTIONAL_PATH, Meta(description="where the scratch server lives; empty: `drill` in `agent.state_dir`")
    ] = ""
    jobs: Annotated[int, between(1, 64, "1 to 64"), Meta(description="tables that are restored at once")] = 2


class BackupConfig(msgspec.Struct, frozen=True, kw_only=True):
    """``[backup]``: a dump of MySQL or MariaDB to S3 that is proven to restore."""

    bucket: Annotated[NonEmpty, BUCKET, Meta(description="where backups go")]
    prefix: Annotated[str, KEY_PREFIX, Meta(description="key = prefix + server + `/` + backup id + `/` + name")] = (
        "mysql/"
    )
    server: Annotated[
        NonEmpty,
        SERVER_NAME,
        Meta(description="the name of the data: hosts that hold the same data (a replica, a rebuilt host) share it"),
    ] = "{environment}-{role}"
    kms_key_id: Annotated[str, Meta(description="encrypt with this KMS key; empty: as the bucket does")] = ""
    schedule: Annotated[NonEmpty, SCHEDULE, Meta(description="when; crontab(5)")] = "0 0 * * *"
    timezone: Annotated[str, TIMEZONE, Meta(description="of both schedules")] = "UTC"
    databases: Annotated[list[NonEmpty], Meta(description="empty: all but the server's own schemas"), DISTINCT] = (
        msgspec.field(default_factory=list)
    )
    defaults_file: Annotated[
        AbsolutePath, Meta(description="an option file; its `[client]` section says where and as whom; mode 0600")
    ] = "/etc/vawsum-agent/mysql.cnf"
    retention_days: Annotated[
        int, between(1, 36500, "1 to 36500"), Meta(description="the bucket's lifecycle rule removes expired ones after")
    ] = 15
    keep_at_least: Annotated[
        int, between(1, 1000, "1 to 1000"), Meta(description="verified backups that never expire, however old")
    ] = 3
    drill: Annotated[BackupDrill | None, Meta(description="left out: no drill is scheduled")] = None
