"""The images capability as a component: a lane for each folder, and what `status` says of all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.core.clock import rfc3339
from vawsum_agent.core.component import ComponentStatus, Problem, State
from vawsum_agent.core.errors import DrainTimeout
from vawsum_agent.core.text import printable
from vawsum_agent.images.move.account import Account
from vawsum_agent.images.move.lane import Lane
from vawsum_agent.images.move.memory import StoredMemory
from vawsum_agent.state.known_files import KnownFiles

if TYPE_CHECKING:
    from collections.abc import Callable

    from vawsum_agent.config.model import ImagesConfig, ImagesFolder
    from vawsum_agent.core.clock import Clock, Deadline
    from vawsum_agent.images.move.account import Report
    from vawsum_agent.images.move.flush import Flush
    from vawsum_agent.images.move.mover import Uploader
    from vawsum_agent.images.remove.removal import Remover
    from vawsum_agent.state.store import Store


class ImagesComponent:
    """Moves uploaded images to S3.

    Args:
        config: the folders.
        store: remembers files that stay, and counts.
        uploader: makes one for a folder.
        remover: makes one for a folder.
        clock: wall and monotonic time.
    """

    name = "images"

    def __init__(
        self,
        config: ImagesConfig,
        store: Store,
        uploader: Callable[[ImagesFolder], Uploader],
        remover: Callable[[ImagesFolder], Remover],
        clock: Clock,
    ) -> None:
        self._config = config
        self._store = store
        self._uploader = uploader
        self._remover = remover
        self._clock = clock
        self._since = clock.now()
        self._state = State.STARTING
        self._lanes: list[Lane] = []

    # -- Component

    def start(self) -> None:
        """See `Component.start`. Raises StateError."""
        rows = KnownFiles(self._store)
        for folder in self._config.folder:
            memory = StoredMemory(rows, folder)
            self._lanes.append(
                Lane(
                    folder,
                    self._config,
                    self._uploader(folder),
                    self._remover(folder),
                    memory,
                    Account(memory.totals()),
                    self._clock,
                )
            )
        for lane in self._lanes:
            lane.start()
        self._set_state(State.RUNNING)

    def drain(self, deadline: Deadline) -> None:
        """See `Component.drain`. Has a copy of every image in its bucket, also of those too young to move."""
        self._set_state(State.DRAINING)
        for lane in self._lanes:
            lane.drain(deadline)
        ended = [(lane, lane.drained(deadline)) for lane in self._lanes]
        open_ends = [(lane, flush) for lane, flush in ended if flush is not None and not flush.is_done]
        if open_ends:
            count = sum(flush.unsent_count for _, flush in open_ends)
            what = (
                f"{count:,} image{'' if count == 1 else 's'} not in the bucket yet"
                if count
                else "not all was looked at"
            )
            message = f"{what}: {_cause(*open_ends[0])}"
            raise DrainTimeout(message, hint="they are where they were, and move after the next start")

    def stop(self) -> None:
        """See `Component.stop`."""
        for lane in self._lanes:
            lane.halt()
        for lane in self._lanes:
            lane.stop()
        self._set_state(State.STOPPED)

    def is_alive(self) -> bool:
        """See `Component.is_alive`."""
        return all(lane.is_alive() for lane in self._lanes)

    def status(self) -> ComponentStatus:
        """See `Component.status`."""
        reports = self._reports()
        problems = self._problems()
        moved_at = [report.last_moved_at for _, report in reports if report.last_moved_at is not None]
        pending = sum(report.due_count for _, report in reports)
        return ComponentStatus(
            name=self.name,
            state=self._shown_state(problems),
            since=self._since,
            last_success_at=max(moved_at, default=None),
            backlog_count=pending,
            backlog_bytes=sum(report.due_bytes for _, report in reports),
            last_error=problems[0].what if problems else None,
            hint=problems[0].hint or None if problems else None,
            problems=tuple(problems),
            details={"folders": [_row(folder, report) for folder, report in reports]},
            measures=_measures(reports, pending),
        )

    # -- what it says of itself

    def _reports(self) -> list[tuple[ImagesFolder, Report]]:
        return [(lane.folder, lane.account.report(self._clock.monotonic())) for lane in self._lanes]

    def _problems(self) -> list[Problem]:
        found = []
        for lane in self._lanes:
            if lane.failure is not None:
                what = f"{type(lane.failure).__name__}: {lane.failure}"
                found.append(Problem(what, "the agent restarts this component; report it if it stays"))
            found.extend(lane.account.report(self._clock.monotonic()).problems)
        return found

    def _shown_state(self, problems: list[Problem]) -> State:
        if any(lane.failure is not None for lane in self._lanes):
            return State.FAILED
        return State.DEGRADED if problems and self._state is State.RUNNING else self._state

    def _set_state(self, state: State) -> None:
        self._state = state
        self._since = self._clock.now()


def _cause(lane: Lane, flush: Flush) -> str:
    if flush.error is not None:
        return flush.error.message
    return f"{lane.folder.path}: {lane.failure or 'there was no more time'}"


def _measures(reports: list[tuple[ImagesFolder, Report]], pending: int) -> dict[str, float]:
    """A count that is not known yet is no 0: whoever watches it would take that for well."""
    is_known = all(report.scanned_at is not None for _, report in reports)
    return {"vawsum_images_pending": float(pending)} if is_known else {}


def _row(folder: ImagesFolder, report: Report) -> dict[str, object]:
    usage = report.usage
    problem = report.problems[0] if report.problems else None
    return {
        "name": folder.name,
        "path": folder.path,
        "bucket": folder.bucket,
        "due_count": report.due_count,
        "due_bytes": report.due_bytes,
        "young_count": report.young_count,
        "young_bytes": report.young_bytes,
        "moved_count": report.totals.moved_count,
        "moved_bytes": report.totals.moved_bytes,
        "rewritten_count": report.totals.rewritten_count,
        "copied_count": report.totals.copied_count,
        "copied_bytes": report.totals.copied_bytes,
        "here_and_copied_count": report.copied_count,
        "refused": {str(reason): count for reason, count in sorted(report.refusals.counts.items())},
        "examples": {
            str(reason): [printable(path.decode("utf-8", "backslashreplace")) for path in paths]
            for reason, paths in sorted(report.refusals.examples.items())
        },
        "disk_used_percent": usage.space_percent if usage else None,
        "inodes_used_percent": usage.inodes_percent if usage else None,
        "is_under_pressure": report.is_pressed,
        "is_watched": report.is_watched,
        "last_moved_at": None if report.last_moved_at is None else rfc3339(report.last_moved_at),
        "scanned_at": None if report.scanned_at is None else rfc3339(report.scanned_at),
        "scan_took_s": round(report.scan_took_s, 3),
        "last_error": problem.what if problem else None,
        "hint": (problem.hint or None) if problem else None,
    }
