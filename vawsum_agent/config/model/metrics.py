"""``[metrics]`` as frozen values."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from vawsum_agent.config.model.values import AbsolutePath, Bytes, HttpUrl, NonEmpty, Seconds
from vawsum_agent.config.rules import DISTINCT, NAMESPACE, PROCESS_NAME, PUBLISH_INTERVAL, between


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
