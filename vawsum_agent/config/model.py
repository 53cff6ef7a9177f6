"""What ``agent.toml`` may say, as frozen values. Loading and checking is `load`'s work.

A field's annotation is what the loader converts and checks (`rules`) and the description that the reference shows; a
default is what the reference documents. What involves several fields stands in `consistency`.
"""

from __future__ import annotations

from typing import Annotated, Literal, NewType

import msgspec
from msgspec import Meta

from vawsum_agent.config.rules import (
    ABSOLUTE,
    BUCKET,
    DISTINCT,
    FOLDER,
    HEADER,
    HTTP_URL,
    KEY_PREFIX,
    LOG_GROUP,
    LOG_STREAM,
    NAMESPACE,
    PROCESS_NAME,
    PUBLIC_URL,
    PUBLISH_INTERVAL,
    REGEX,
    REGION,
    RETENTION,
    STRPTIME_FORMAT,
    TIMEZONE,
    TOPIC_ARN,
    URL_PATH,
    USER,
    between,
)

Seconds = NewType("Seconds", float)
"""A duration, written as ``"2s"``."""

Bytes = NewType("Bytes", int)
"""A size, written as ``"16MiB"``."""

NonEmpty = Annotated[str, Meta(min_length=1)]
AbsolutePath = Annotated[str, Meta(min_length=1), ABSOLUTE]
HttpUrl = Annotated[str, Meta(min_length=1), HTTP_URL]

FormatName = Literal[
    "apache-access",
    "apache-error",
    "php-error",
    "php-fpm",
    "php-fpm-slow",
    "mysql-error",
    "mysql-slow",
    "syslog",
    "json",
    "plain",
]


class AgentConfig(msgspec.Struct, frozen=True, kw_only=True):
    """``[agent]``: who this host is and where the daemon keeps its things."""

    role: Annotated[Literal["web", "db"], Meta(description="a dimension and a placeholder, no switch")] = "web"
    environment: Annotated[NonEmpty, Meta(description="a placeholder")] = "production"
    state_dir: Annotated[AbsolutePath, Meta(description="`state.db` lives here")] = "/var/lib/vawsum-agent"
    runtime_dir: Annotated[AbsolutePath, Meta(description="`control.sock` lives here")] = "/run/vawsum-agent"
    instance_id: Annotated[str, Meta(description="empty: instance metadata (IMDSv2), else the host name")] = ""
    region: Annotated[str, REGION, Meta(description="empty: `AWS_REGION`, else instance metadata")] = ""
    drain_timeout: Annotated[
        Seconds,
        between(1, 900, "1s to 15m"),
        Meta(description="how long a stop (SIGTERM) may flush; what is unsent then stays on disk for the next start"),
    ] = Seconds(20.0)


class LogSource(msgspec.Struct, frozen=True, kw_only=True):
    """``[[logs.source]]``: files of one format that go to one log group."""

    name: Annotated[NonEmpty, Meta(description="a name of its own: a placeholder, and a key of the ledger")]
    paths: Annotated[
        list[AbsolutePath],
        Meta(min_length=1, description="live names, globs allowed; rotated copies are found by identity"),
    ]
    exclude: Annotated[list[NonEmpty], Meta(description="globs that are not followed")] = msgspec.field(
        default_factory=list
    )
    format: Annotated[FormatName, Meta(description="how entries begin and where their timestamp is")]
    timezone: Annotated[NonEmpty, TIMEZONE, Meta(description="for timestamps that carry no offset")] = "UTC"
    start_at: Annotated[
        Literal["beginning", "end"], Meta(description="where reading of a file never seen before begins")
    ] = "beginning"
    log_group: Annotated[NonEmpty, LOG_GROUP, Meta(description="created on demand")] = "/vawsum/{environment}/{source}"
    log_stream: Annotated[
        NonEmpty, LOG_STREAM, Meta(description="created on demand; `{path}` keeps two files from sharing one")
    ] = "{instance_id}{path}"
    multiline_start: Annotated[
        str, REGEX, Meta(description='what the first line of an entry matches; for `format = "plain"`')
    ] = ""
    timestamp_format: Annotated[
        str, STRPTIME_FORMAT, Meta(description='of the timestamp an entry begins with; for `format = "plain"`')
    ] = ""
    redact: Annotated[
        list[NonEmpty], Meta(description="values of these query-string or key=value names become `***`")
    ] = msgspec.field(default_factory=list)


class LogsConfig(msgspec.Struct, frozen=True, kw_only=True):
    """``[logs]``: how log entries are batched and shipped."""

    flush_interval: Annotated[
        Seconds,
        between(0.1, 60, "100ms to 60s"),
        Meta(description="an event waits at most this long for a batch to fill"),
    ] = Seconds(2.0)
    buffer: Annotated[
        Bytes,
        between(2 << 20, 1 << 30, "2MiB to 1GiB"),
        Meta(description="read but not yet accepted by CloudWatch, over all sources"),
    ] = Bytes(16 << 20)
    retention_days: Annotated[int, RETENTION, Meta(description="of log groups the agent creates")] = 30
    kms_key_id: Annotated[str, Meta(description="of log groups the agent creates; empty: CloudWatch's own key")] = ""
    confirm_window: Annotated[
        Seconds,
        between(0, 600, "0s to 10m"),
        Meta(description="how long the stream is asked whether a batch of unknown fate arrived, before it is resent"),
    ] = Seconds(10.0)
    dead_letter_limit: Annotated[
        Bytes,
        between(1 << 20, 1 << 34, "1MiB to 16GiB"),
        Meta(description="what `state_dir/dead-letter/` may hold; the oldest goes first"),
    ] = Bytes(64 << 20)
    source: Annotated[list[LogSource], Meta(description="at least one")] = msgspec.field(default_factory=list)


class ProcessGroup(msgspec.Struct, frozen=True, kw_only=True):
    """``[[metrics.process]]``: processes that are counted and measured together."""

    name: Annotated[
        NonEmpty, PROCESS_NAME, Meta(description="a name of its own: the value of the dimension `process_name`")
    ]
    commands: Annotated[list[NonEmpty], Meta(min_length=1, description="names as in `ps -o comm`, globs allowed")]


class ApacheConfig(msgspec.Struct, frozen=True, kw_only=True):
    """``[metrics.apache]``: mod_status."""

    status_url: Annotated[HttpUrl, Meta(description="with `?auto`, its form for machines")] = (
        "http://127.0.0.1/server-status?auto"
    )


class PhpFpmConfig(msgspec.Struct, frozen=True, kw_only=True):
    """``[metrics.php_fpm]``: the status page of PHP-FPM's pools."""

    status_url: Annotated[HttpUrl, Meta(description="with `?json`")] = "http://127.0.0.1/fpm-status?json"
    more_status_urls: Annotated[list[HttpUrl], Meta(description="of further pools: each has a page")] = msgspec.field(
        default_factory=list
    )

    @property
    def urls(self) -> list[str]:
        """The pages of all pools, each once."""
        return [*dict.fromkeys([self.status_url, *self.more_status_urls])]


class MysqlMetricsConfig(msgspec.Struct, frozen=True, kw_only=True):
    """``[metrics.mysql]``: status variables of MySQL or MariaDB."""

    defaults_file: Annotated[
        AbsolutePath, Meta(description="an option file; its `[client]` section says where and as whom; mode 0600")
    ] = "/etc/vawsum-agent/mysql.cnf"


class MetricsConfig(msgspec.Struct, frozen=True, kw_only=True):
    """``[metrics]``: what is sampled, and how it is published to CloudWatch."""

    namespace: Annotated[NonEmpty, NAMESPACE, Meta(description="of all metrics")] = "CWAgent"
    dimensions: Annotated[
        list[Literal["InstanceId", "AutoScalingGroupName", "ImageId", "InstanceType"]],
        Meta(min_length=1, description="of the host, on every metric: alarms match exact sets"),
        DISTINCT,
    ] = msgspec.field(default_factory=lambda: ["InstanceId", "AutoScalingGroupName"])
    sample_interval: Annotated[
        Seconds, between(1, 60, "1s to 60s"), Meta(description="between two readings of everything")
    ] = Seconds(10.0)
    publish_interval: Annotated[
        Seconds,
        PUBLISH_INTERVAL,
        Meta(description="readings are put together as distributions of that length; whole minutes"),
    ] = Seconds(60.0)
    disks: Annotated[list[AbsolutePath], Meta(description="mount points that are measured")] = msgspec.field(
        default_factory=lambda: ["/"]
    )
    spool_limit: Annotated[
        Bytes,
        between(1 << 20, 1 << 32, "1MiB to 4GiB"),
        Meta(description="what may wait while CloudWatch is away; the oldest goes first, and is counted"),
    ] = Bytes(64 << 20)
    requests: Annotated[
        bool, Meta(description="count requests, answers, bytes and latency in the access logs that `[logs]` follows")
    ] = True
    process: Annotated[
        list[ProcessGroup],
        Meta(
            description="The agent itself is always measured, as `vawsum-agent`. "
            "Without a table of your own these hold; one of your own replaces them all"
        ),
    ] = msgspec.field(
        default_factory=lambda: [
            ProcessGroup(name="apache", commands=["apache2", "httpd"]),
            ProcessGroup(name="php-fpm", commands=["php-fpm*"]),
            ProcessGroup(name="mysql", commands=["mysqld", "mariadbd"]),
        ]
    )
    apache: ApacheConfig | None = None
    php_fpm: PhpFpmConfig | None = None
    mysql: MysqlMetricsConfig | None = None

    @property
    def status_urls(self) -> list[str]:
        """Every page that is looked at."""
        return [*([self.apache.status_url] if self.apache else []), *(self.php_fpm.urls if self.php_fpm else [])]


ImageType = Literal[
    "image/jpeg",
    "image/png",
    "image/gif",
    "image/webp",
    "image/avif",
    "image/heic",
    "image/bmp",
    "image/tiff",
]


class ImagesFolder(msgspec.Struct, frozen=True, kw_only=True):
    """``[[images.folder]]``: a folder of uploads that move to a bucket."""

    name: Annotated[NonEmpty, Meta(description="a name of its own, for status and commands")]
    path: Annotated[
        AbsolutePath, FOLDER, Meta(description="the folder itself, no symbolic link; subfolders belong to it")
    ]
    bucket: Annotated[NonEmpty, BUCKET, Meta(description="where the objects go")]
    prefix: Annotated[str, KEY_PREFIX, Meta(description="object key = prefix + path relative to the folder")] = ""
    types: Annotated[
        list[ImageType],
        Meta(min_length=1, description="what moves; told by the content, and the extension must agree"),
        DISTINCT,
    ] = msgspec.field(default_factory=lambda: ["image/jpeg", "image/png", "image/gif", "image/webp"])
    min_age: Annotated[
        Seconds, between(1, 365 * 86400, "1s to 365d"), Meta(description="untouched for this long before it moves")
    ] = Seconds(600.0)
    max_size: Annotated[
        Bytes, between(1, 1 << 40, "1B to 1024GiB"), Meta(description="what is larger is left alone, and counted")
    ] = Bytes(1 << 30)
    kms_key_id: Annotated[str, Meta(description="encrypt with this KMS key; empty: as the bucket does")] = ""
    cache_control: Annotated[str, HEADER, Meta(description="the header that browsers get with the object")] = (
        "public, max-age=86400"
    )
    delete_local: Annotated[bool, Meta(description="`false`: copy only")] = True
    public_url: Annotated[
        str, PUBLIC_URL, Meta(description="where a moved image is served from; the redirect goes here")
    ] = ""
    url_path: Annotated[
        str,
        URL_PATH,
        Meta(description="where the site serves the folder; empty: `/` + the last part of `path` + `/`"),
    ] = ""
    owner: Annotated[NonEmpty, USER, Meta(description="files of anyone else are left alone")] = "www-data"


class ImagesConfig(msgspec.Struct, frozen=True, kw_only=True):
    """``[images]``: uploads move to S3; the local copy goes when the object is proven whole."""

    scan_interval: Annotated[
        Seconds,
        between(1, 86400, "1s to 24h"),
        Meta(description="between two looks at every folder; large folders are looked at less often"),
    ] = Seconds(60.0)
    jobs: Annotated[int, between(1, 32, "1 to 32"), Meta(description="uploads at once")] = 4
    pressure_jobs: Annotated[
        int, between(1, 32, "1 to 32"), Meta(description="uploads at once while the disk is above its watermark")
    ] = 8
    disk_watermark: Annotated[
        int, between(1, 100, "1 to 100"), Meta(description="percent of the folder's disk, or of its inodes, in use")
    ] = 85
    folder: Annotated[list[ImagesFolder], Meta(description="at least one")] = msgspec.field(default_factory=list)


class NotifyConfig(msgspec.Struct, frozen=True, kw_only=True):
    """``[notify]``: who is told when something turns bad, and when it is well again."""

    sns_topic_arn: Annotated[NonEmpty, TOPIC_ARN, Meta(description="an SNS topic that people are subscribed to")]


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """The whole configuration. A capability runs when its table is present."""

    agent: AgentConfig = msgspec.field(default_factory=AgentConfig)
    logs: LogsConfig | None = None
    metrics: MetricsConfig | None = None
    images: ImagesConfig | None = None
    notify: NotifyConfig | None = None
