"""``[logs]`` as frozen values."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from vawsum_agent.config.model.values import AbsolutePath, Bytes, NonEmpty, Seconds
from vawsum_agent.config.rules import LOG_GROUP, LOG_STREAM, REGEX, RETENTION, STRPTIME_FORMAT, TIMEZONE, between

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
