"""What AWS says: whether it answers, by which clock, what it allows, and how the log groups are set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.aws.logs_probe import LogsProbe
from vawsum_agent.core.errors import AccessDenied, AwsError
from vawsum_agent.core.finding import Finding, Severity
from vawsum_agent.logs.doctor.found import find
from vawsum_agent.logs.doctor.permissions import CredentialsRefused, permissions
from vawsum_agent.logs.read.source import destination

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vawsum_agent.aws.session import AwsSession
    from vawsum_agent.config.model import LogsConfig
    from vawsum_agent.core.identity import Identity

_MOST_GROUPS = 50


def aws(logs: LogsConfig, identity: Identity, session: AwsSession) -> Iterator[Finding]:
    """Ask for every configured log group; the first answer that never comes ends it."""
    where = f"CloudWatch Logs, {session.region}"
    try:
        probe = LogsProbe(session)
        yield from _ask(probe, logs, identity, where)
    except AwsError as error:
        yield Finding(
            Severity.PROBLEM, error.message, where, error.hint or "check network, proxy and endpoint settings"
        )


def _ask(probe: LogsProbe, logs: LogsConfig, identity: Identity, where: str) -> Iterator[Finding]:
    findings: list[Finding] = []
    groups = _destinations(logs, identity)
    try:
        for group, streams in groups.items():
            findings += permissions(probe, group, streams)
    except CredentialsRefused as refused:
        findings.append(Finding(Severity.PROBLEM, refused.error.message, where, refused.error.hint))
    else:
        findings += _retention(probe, logs, list(groups))
    yield from probe.skew.findings()
    yield from findings


def _destinations(logs: LogsConfig, identity: Identity) -> dict[str, list[str]]:
    """Name the groups with their streams, also those of sources whose files are still to come."""
    groups: dict[str, list[str]] = {}
    for source in logs.source:
        for path in [file.path for file in find(source)] or [source.paths[0]]:
            group, stream = destination(source, identity, path)
            if group in groups or len(groups) < _MOST_GROUPS:
                groups.setdefault(group, []).append(stream)
    return groups


def _retention(probe: LogsProbe, logs: LogsConfig, groups: list[str]) -> Iterator[Finding]:
    try:
        for group in groups:
            settings = probe.settings(group)
            if settings is not None and settings.retention_days != logs.retention_days:
                kept = f"for {settings.retention_days} days" if settings.retention_days else "for ever"
                yield Finding(
                    Severity.WARNING,
                    f"keeps its events {kept}; retention_days = {logs.retention_days} is for groups the agent creates",
                    group,
                    f"aws logs put-retention-policy --log-group-name {group} --retention-in-days {logs.retention_days}",
                )
    except AccessDenied:
        what = "not compared with retention_days: logs:DescribeLogGroups is not allowed, and needed for nothing else"
        yield Finding(Severity.OK, what, "retention of existing groups")
