"""Whether anybody counts the requests that the guard of a deploy judges by."""

from __future__ import annotations

import glob
from typing import TYPE_CHECKING

from vawsum_agent.core.errors import AgentError
from vawsum_agent.core.finding import Finding, Severity
from vawsum_agent.core.units import format_duration
from vawsum_agent.deploy.guard.source import blindness

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vawsum_agent.config.model import DeployApp, LogsConfig
    from vawsum_agent.deploy.guard.source import TrafficSource

_LATEST_S = 60.0
_FORMAT = "apache-access"


def guard(app: DeployApp, logs: LogsConfig | None, traffic: TrafficSource, now: float) -> Iterator[Finding]:
    """Look at what is configured, and ask the daemon as the guard will."""
    where = f"guard of {app.name}"
    if app.guard is None:
        what = "unguarded: nobody watches a release after it went into service"
        yield Finding(Severity.WARNING, what, where, "add a table [deploy.app.guard]")
        return
    problem = _not_read(logs)
    if problem is None:
        problem = _not_counted(traffic, now)
    if problem is None:
        yield Finding(Severity.OK, f"requests are counted; watches for {format_duration(app.guard.window)}", where)
        return
    what, remedy = problem
    if app.guard.required:
        yield Finding(Severity.PROBLEM, f"{what}: it is required, so that every deploy is refused", where, remedy)
    else:
        yield Finding(Severity.WARNING, f"{what}: releases go unguarded", where, remedy)


def _not_read(logs: LogsConfig | None) -> tuple[str, str] | None:
    sources = [source for source in (logs.source if logs is not None else ()) if source.format == _FORMAT]
    if not sources:
        return "the daemon reads no access log", f'add a [[logs.source]] with format = "{_FORMAT}"'
    paths = [path for source in sources for path in source.paths]
    if not any(glob.glob(path, recursive=True) for path in paths):  # noqa: PTH207 - a whole path with wildcards
        return f"no access log is there: {', '.join(paths)}", "correct `paths`, or have Apache log there (CustomLog)"
    return None


def _not_counted(traffic: TrafficSource, now: float) -> tuple[str, str] | None:
    try:
        problem = blindness(traffic.ask(max(0.0, now - _LATEST_S), now), now)
    except AgentError as error:
        return error.message, error.hint or "see vawsum-agent status"
    return (problem, "see vawsum-agent status") if problem else None
