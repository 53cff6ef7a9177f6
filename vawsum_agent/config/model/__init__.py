"""What ``agent.toml`` may say, as frozen values: a module a table. Loading and checking is `load`'s work.

A field's annotation is what the loader converts and checks (`rules`) and the description that the reference shows; a
default is what the reference documents. What involves several fields stands in `consistency`.
"""

from __future__ import annotations

import msgspec

from vawsum_agent.config.model.agent import AgentConfig
from vawsum_agent.config.model.backup import BackupConfig, BackupDrill
from vawsum_agent.config.model.deploy import DeployApp, DeployConfig, DeployGuard, DrainWay
from vawsum_agent.config.model.images import ImagesConfig, ImagesFolder, ImageType
from vawsum_agent.config.model.logs import FormatName, LogsConfig, LogSource
from vawsum_agent.config.model.metrics import (
    ApacheConfig,
    MetricsConfig,
    MysqlMetricsConfig,
    PhpFpmConfig,
    ProcessGroup,
)
from vawsum_agent.config.model.notify import NotifyConfig
from vawsum_agent.config.model.values import Bytes, Seconds

__all__ = [
    "AgentConfig",
    "ApacheConfig",
    "BackupConfig",
    "BackupDrill",
    "Bytes",
    "Config",
    "DeployApp",
    "DeployConfig",
    "DeployGuard",
    "DrainWay",
    "FormatName",
    "ImageType",
    "ImagesConfig",
    "ImagesFolder",
    "LogSource",
    "LogsConfig",
    "MetricsConfig",
    "MysqlMetricsConfig",
    "NotifyConfig",
    "PhpFpmConfig",
    "ProcessGroup",
    "Seconds",
]


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """The whole configuration. A capability runs when its table is present."""

    agent: AgentConfig = msgspec.field(default_factory=AgentConfig)
    logs: LogsConfig | None = None
    metrics: MetricsConfig | None = None
    images: ImagesConfig | None = None
    backup: BackupConfig | None = None
    deploy: DeployConfig | None = None
    notify: NotifyConfig | None = None
