"""Restores a backup whole into a scratch server, by what `backup restore` does; none of it is ever gone on with."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from vawsum_agent.backup.restore import target
from vawsum_agent.backup.restore.meter import Meter
from vawsum_agent.backup.restore.plan import Selection, make_plan
from vawsum_agent.backup.restore.run import Means, Request, load_all
from vawsum_agent.backup.server.programs import find_shell

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from vawsum_agent.backup.manifest import Frame, Manifest
    from vawsum_agent.backup.names import BackupName
    from vawsum_agent.backup.restore.source import RangeBucket
    from vawsum_agent.core.clock import Clock

_SERVER_PATIENCE_S = 20.0
"""A scratch server that is gone does not come back."""


class WholeRestorer:
    """See `drill.Restorer`.

    Args:
        bucket: of the backups.
        prefix: of all of them.
        clock: measures.
        dice: a random number in [0, 1).
    """

    def __init__(self, bucket: RangeBucket, prefix: str, clock: Clock, dice: Callable[[], float]) -> None:
        self._bucket = bucket
        self._prefix = prefix
        self._clock = clock
        self._dice = dice

    def restore(
        self,
        backup: BackupName,
        manifest: Manifest,
        option_file: Path,
        jobs: int,
        show: Callable[[str, int, int | None], None],
        is_halted: Callable[[], bool],
    ) -> list[str]:
        """See `drill.Restorer.restore`."""
        everything = Selection()
        request = Request(name=backup, manifest=manifest, selection=everything, option_file=str(option_file), jobs=jobs)
        means = Means(
            bucket=self._bucket,
            prefix=self._prefix,
            find_shell=find_shell,
            clock=self._clock,
            dice=self._dice,
            is_halted=is_halted,
            show=show,
            server_patience_s=_SERVER_PATIENCE_S,
        )
        plan = make_plan(manifest, everything)
        found = target.look(str(option_file))
        return list(map(str, load_all(request, means, plan, found, _Remembered(), Meter(plan.raw_bytes, show))))


class _Remembered:
    """What is done, for as long as the drill lasts."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._done: set[tuple[str, str, str]] = set()

    def has(self, step: str, frame: Frame | None = None) -> bool:
        """See `Done.has`."""
        with self._lock:
            return _key(step, frame) in self._done

    def add(self, step: str, frame: Frame | None = None) -> None:
        """See `Done.add`."""
        with self._lock:
            self._done.add(_key(step, frame))


def _key(step: str, frame: Frame | None) -> tuple[str, str, str]:
    return (step, "", "") if frame is None else (step, frame.database, frame.name)
