"""Files that land where others land, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.core.finding import Finding, Severity
from vawsum_agent.logs.read.source import destination

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vawsum_agent.core.identity import Identity
    from vawsum_agent.logs.doctor.found import LogFile


def names(files: Sequence[LogFile], identity: Identity) -> Iterator[Finding]:
    """Find log streams that several files share, and files that several sources follow."""
    by_stream: dict[tuple[str, str], list[LogFile]] = {}
    by_path: dict[str, list[LogFile]] = {}
    for file in files:
        by_stream.setdefault(destination(file.source, identity, file.path), []).append(file)
        by_path.setdefault(file.path, []).append(file)
    for shared in by_path.values():
        if len(shared) > 1:
            sources = ", ".join(file.source.name for file in shared)
            yield Finding(
                Severity.WARNING,
                f"followed by {len(shared)} sources, {sources}: each of them sends it",
                shared[0].where,
                "exclude it in all of them but one",
            )
    for (group, stream), shared in by_stream.items():
        paths = sorted({file.where for file in shared})
        if len(paths) > 1:
            yield Finding(
                Severity.WARNING,
                f"{len(paths)} files share this log stream, their entries are mixed: {_listed(paths)}",
                f"{group} {stream}",
                "put {path} into log_stream, or {source} into log_group",
            )


def _listed(paths: list[str]) -> str:
    most = 3
    more = f" and {len(paths) - most} more" if len(paths) > most else ""
    return ", ".join(paths[:most]) + more
