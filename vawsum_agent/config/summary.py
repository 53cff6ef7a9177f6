"""What a configuration switches on, in a few words, and that it switches on nothing. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.core.finding import Finding, Severity
from vawsum_agent.core.shipped import SHARE
from vawsum_agent.core.units import format_duration

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vawsum_agent.config.model import Config, MetricsConfig

NOTHING = "nothing is switched on: the configuration has none of [logs], [metrics], [images] and [backup]"
NOTHING_HINT = f"take the tables that this host needs from the examples in {SHARE}/etc/vawsum-agent"


def does_nothing(config: Config) -> bool:
    """Whether a daemon would run without any work: notifications alone have nothing to tell."""
    return not any((config.logs, config.metrics, config.images, config.backup, config.deploy))


def warnings(config: Config, where: str) -> list[Finding]:
    """What is allowed and yet hardly meant; ``where`` is the main file."""
    return [Finding(Severity.WARNING, NOTHING, where, NOTHING_HINT)] if does_nothing(config) else []


def switched_on(config: Config) -> list[str]:
    """Describe each capability that runs, in one line."""
    lines = []
    if config.logs is not None:
        lines.append(f"logs: {_counted('source', [source.name for source in config.logs.source])}")
    if config.metrics is not None:
        what, every = ", ".join(_measured(config, config.metrics)), format_duration(config.metrics.publish_interval)
        lines.append(f"metrics: {what}; into {config.metrics.namespace} every {every}")
    if config.images is not None:
        lines.append(f"images: {_counted('folder', [folder.name for folder in config.images.folder])}")
    if config.backup is not None:
        drill = f'; a drill at "{config.backup.drill.schedule}"' if config.backup.drill is not None else ""
        when = f'at "{config.backup.schedule}", {config.backup.timezone}'
        lines.append(f"backup: to s3://{config.backup.bucket}/{config.backup.prefix} {when}{drill}")
    if config.deploy is not None:
        lines.append(f"deploy: {_counted('app', [app.name for app in config.deploy.app])}")
    if config.notify is not None:
        lines.append(f"notifications: to {config.notify.sns_topic_arn}")
    return lines


def _counted(what: str, names: Sequence[str]) -> str:
    return f"{len(names)} {what}{'' if len(names) == 1 else 's'} ({', '.join(names)})"


def _measured(config: Config, metrics: MetricsConfig) -> Iterator[str]:
    yield "the host"
    if metrics.apache is not None:
        yield "Apache"
    if metrics.php_fpm is not None:
        pools = len(metrics.php_fpm.urls)
        yield f"PHP-FPM ({pools} pool{'' if pools == 1 else 's'})"
    if metrics.mysql is not None:
        yield "MySQL"
    sources = config.logs.source if config.logs is not None else []
    if metrics.requests and any(source.format == "apache-access" for source in sources):
        yield "requests of the access logs"
