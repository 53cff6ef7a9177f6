"""What ``agent.toml`` may say, as frozen values. Loading and checking is `load`'s work.

A field's annotation is what the loader converts and checks; a default is what the reference documents.
"""

from __future__ import annotations

from typing import Annotated, Literal, NewType

import msgspec

Seconds = NewType("Seconds", float)
"""A duration, written as ``"2s"``."""

Bytes = NewType("Bytes", int)
"""A size, written as ``"16MiB"``."""

NonEmpty = Annotated[str, msgspec.Meta(min_length=1)]

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

    role: Literal["web", "db"] = "web"
    environment: NonEmpty = "production"
    state_dir: NonEmpty = "/var/lib/vawsum-agent"
    runtime_dir: NonEmpty = "/run/vawsum-agent"
    instance_id: str = ""
    region: str = ""
    drain_timeout: Seconds = Seconds(20.0)


class LogSource(msgspec.Struct, frozen=True, kw_only=True):
    """``[[logs.source]]``: files of one format that go to one log group."""

    name: NonEmpty
    paths: Annotated[list[NonEmpty], msgspec.Meta(min_length=1)]
    exclude: list[NonEmpty] = msgspec.field(default_factory=list)
    format: FormatName
    timezone: NonEmpty = "UTC"
    start_at: Literal["beginning", "end"] = "beginning"
    log_group: NonEmpty = "/vawsum/{environment}/{source}"
    log_stream: NonEmpty = "{instance_id}{path}"
    multiline_start: str = ""
    timestamp_format: str = ""
    redact: list[NonEmpty] = msgspec.field(default_factory=list)


class LogsConfig(msgspec.Struct, frozen=True, kw_only=True):
    """``[logs]``: how log entries are batched and shipped."""

    flush_interval: Seconds = Seconds(2.0)
    buffer: Bytes = Bytes(16 << 20)
    retention_days: int = 30
    kms_key_id: str = ""
    confirm_window: Seconds = Seconds(10.0)
    dead_letter_limit: Bytes = Bytes(64 << 20)
    source: list[LogSource] = msgspec.field(default_factory=list)


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """The whole configuration. A capability runs when its table is present."""

    agent: AgentConfig = msgspec.field(default_factory=AgentConfig)
    logs: LogsConfig | None = None
