"""A whole backup into an empty server that is thrown away afterwards: nothing is noted, nothing is compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.backup.restore import target
from vawsum_agent.backup.restore.meter import Meter
from vawsum_agent.backup.restore.plan import Selection, make_plan
from vawsum_agent.backup.restore.run import Means, Request, load_all

if TYPE_CHECKING:
    import random
    from collections.abc import Callable
    from pathlib import Path

    from vawsum_agent.backup.manifest import Frame, Manifest
    from vawsum_agent.backup.names import BackupName
    from vawsum_agent.backup.restore.meter import Show
    from vawsum_agent.backup.restore.source import RangeBucket
    from vawsum_agent.backup.server.facts import Flavour
    from vawsum_agent.backup.server.programs import Program
    from vawsum_agent.core.clock import Clock

_SERVER_PATIENCE_S = 30.0
"""A scratch server that is gone does not come back."""


class _NothingDone:
    def has(self, step: str, frame: Frame | None = None) -> bool:  # noqa: ARG002 - see `Done`
        return False

    def add(self, step: str, frame: Frame | None = None) -> None:
        pass


class WholeRestore:
    """Restores backups whole, as a drill does.

    Args:
        bucket: that holds them.
        prefix: of all backups.
        find_shell: the client program for a server.
        clock: measures.
        dice: of the waits.
    """

    def __init__(
        self,
        bucket: RangeBucket,
        prefix: str,
        find_shell: Callable[[Flavour], Program],
        clock: Clock,
        dice: random.Random,
    ) -> None:
        self._bucket = bucket
        self._prefix = prefix
        self._find_shell = find_shell
        self._clock = clock
        self._dice = dice

    def restore(
        self,
        backup: BackupName,
        manifest: Manifest,
        option_file: Path,
        jobs: int,
        show: Show,
        is_halted: Callable[[], bool],
    ) -> None:
        """Restore accounts and data. See `vawsum_agent.backup.drill.drill.Restorer`."""
        selection = Selection()
        request = Request(name=backup, manifest=manifest, selection=selection, option_file=str(option_file), jobs=jobs)
        means = Means(
            bucket=self._bucket,
            prefix=self._prefix,
            find_shell=self._find_shell,
            clock=self._clock,
            dice=self._dice.random,
            is_halted=is_halted,
            show=show,
            server_patience_s=_SERVER_PATIENCE_S,
        )
        plan = make_plan(manifest, selection)
        found = target.look(str(option_file))
        load_all(request, means, plan, found, _NothingDone(), Meter(plan.raw_bytes, show))
