"""The rehearsal of a restore, from nothing to the last answer; how long that took is the RTO that can be promised.

What it finds is put beside the backup's manifest, and into the journal of this host. A drill that could not be held
(no disk, no server program, S3 away, ended by somebody) says nothing of the backup, and leaves what was known of it.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from vawsum_agent.backup.drill import place as places
from vawsum_agent.backup.drill import programs as found_programs
from vawsum_agent.backup.drill.checks import Asker
from vawsum_agent.backup.drill.examine import Findings, examine
from vawsum_agent.backup.drill.plugins import load_plugins
from vawsum_agent.backup.drill.room import look, pool_bytes, refusal
from vawsum_agent.backup.drill.scratch import Scratch
from vawsum_agent.backup.drill.zones import load_zones
from vawsum_agent.backup.publish import sidecars
from vawsum_agent.backup.publish.sidecars import Drilled
from vawsum_agent.backup.upload.patience import Patience, Persistent
from vawsum_agent.core.clock import rfc3339
from vawsum_agent.core.errors import BackupError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from vawsum_agent.backup.manifest import Manifest
    from vawsum_agent.backup.names import BackupName
    from vawsum_agent.backup.publish.catalog import Catalog
    from vawsum_agent.backup.publish.sidecars import SidecarBucket
    from vawsum_agent.core.clock import Clock

    Show = Callable[[str, int, int | None], None]
    """Told the phase, bytes done, and bytes in all where that is known."""

_MOST_TOLD = 5
_FULL_BYTES = 64 << 20
_ENDS_WITHIN_S = 20.0

_PATIENCE = Patience(longest_s=600.0)
"""With S3: an hour of restoring is not to be lost to a minute in which it does not answer."""


class Restorer(Protocol):
    """What restores a backup whole."""

    def restore(
        self,
        backup: BackupName,
        manifest: Manifest,
        option_file: Path,
        jobs: int,
        show: Show,
        is_halted: Callable[[], bool],
    ) -> Sequence[str]:
        """Restore grants and data into an empty server.

        Args:
            backup: which.
            manifest: of it.
            option_file: names the server, with all rights.
            jobs: tables at once.
            show: told the phase, bytes done and bytes in all.
            is_halted: asked often; True ends it with a BackupError.

        Returns:
            What that server could not take as it was, and says nothing of the backup; a sentence each.

        Raises:
            BackupError: the server refused something, or the backup is damaged.
            AwsError: it can't be fetched.
        """
        ...


@dataclass(frozen=True, slots=True)
class Settings:
    """How drills are held on this host.

    Attributes:
        directory: of scratch servers.
        short: a folder with a short name, for sockets.
        jobs: tables that are restored, and counted, at once.
        by: this instance.
        is_kept: the scratch server stays, to be looked at.
    """

    directory: Path
    short: Path
    jobs: int
    by: str
    is_kept: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """What a drill found.

    Attributes:
        total_s: until everything was asked.
        command: reaches the scratch server, where it was kept; else empty.
    """

    backup: BackupName
    manifest: Manifest
    findings: Findings
    total_s: float
    command: str = ""


class DrillFailed(BackupError):
    """The backup was restored, or should have been, and is not what the manifest says.

    Attributes:
        result: all that was found.
    """

    def __init__(self, result: Result) -> None:
        problems = result.findings.problems
        told = "; ".join(problems[:_MOST_TOLD])
        more = f"; and {len(problems) - _MOST_TOLD} more" if len(problems) > _MOST_TOLD else ""
        message = f"backup {result.backup.backup_id} of {result.backup.server} did not restore as it was: {told}{more}"
        hint = f"look into it: {result.command}" if result.command else "run it again with --keep to look into it"
        super().__init__(message, hint=hint)
        self.result = result


class Drill:
    """Holds drills, one at a time; the caller holds the journal's lock.

    Args:
        bucket: where sidecars go.
        prefix: of all backups.
        catalog: of the backups that exist.
        restorer: restores one.
        settings: of this host.
        clock: measures.
        find_programs: of a flavour.
    """

    def __init__(
        self,
        bucket: SidecarBucket,
        prefix: str,
        catalog: Catalog,
        restorer: Restorer,
        settings: Settings,
        clock: Clock,
        find_programs: Callable[[found_programs.Flavour], found_programs.Programs] = found_programs.find,
    ) -> None:
        self._bucket = bucket
        self._prefix = prefix
        self._catalog = catalog
        self._restorer = restorer
        self._settings = settings
        self._clock = clock
        self._find_programs = find_programs
        self._persistent = Persistent(_PATIENCE, clock, threading.Event())

    def run(
        self,
        backup: BackupName,
        show: Show = lambda *_: None,
        is_halted: Callable[[], bool] = lambda: False,
    ) -> Result:
        """Restore a backup and prove it; on the main thread, see `Scratch`.

        Raises:
            DrillFailed: it is not what its manifest says. Written beside the manifest.
            BackupError: no drill could be held; nothing is known of the backup.
            AwsError: S3 does not answer. Trying again may help.
        """
        settings, began = self._settings, self._clock.monotonic()
        show("making room", 0, None)
        places.sweep(settings.directory)
        manifest = self._persistent.call(lambda: self._catalog.manifest(backup))
        programs = self._find_programs(manifest.flavour)
        room = look(settings.directory)
        refused = refusal(room, manifest.dump.raw_bytes, backup.backup_id)
        if refused is not None:
            raise refused
        show("starting a scratch server", 0, None)
        place = places.make(settings.directory, settings.short, is_kept=settings.is_kept)
        pool = pool_bytes(room.memory_bytes)
        with Scratch(programs, place, pool, is_kept=settings.is_kept, is_halted=is_halted) as scratch:
            load_plugins(programs, scratch.option_file)
            if any(database.events for database in manifest.databases):
                load_zones(programs, scratch.option_file, scratch.folder / "zones")
            findings = self._findings(scratch, backup, manifest, began, show, is_halted)
            command = scratch.command if settings.is_kept else ""
        result = Result(backup, manifest, findings, self._clock.monotonic() - began, command)
        # If we die here, the drill counts for nothing: it is held again at its next time.
        told = self._drilled(findings)
        self._persistent.call(lambda: sidecars.write(self._bucket, self._prefix, backup, told))
        if findings.problems:
            raise DrillFailed(result)
        return result

    def _findings(
        self,
        scratch: Scratch,
        backup: BackupName,
        manifest: Manifest,
        began: float,
        show: Show,
        is_halted: Callable[[], bool],
    ) -> Findings:
        jobs = self._settings.jobs
        try:
            remarks = self._restorer.restore(backup, manifest, scratch.option_file, jobs, show, is_halted)
        except BackupError as error:
            excuse = error if is_halted() else self._excuse(scratch)
            if excuse is not None:
                raise excuse from error
            return Findings(restore_s=self._clock.monotonic() - began, problems=(error.message,))
        asker = Asker(str(scratch.option_file), jobs, is_halted)
        findings = examine(manifest, asker, lambda: self._clock.monotonic() - began, show)
        excuse = self._excuse(scratch) if findings.problems else None
        if excuse is not None:
            raise excuse
        return replace(findings, remarks=(*remarks, *findings.remarks))

    def _excuse(self, scratch: Scratch) -> BackupError | None:
        """Tell what says nothing of the backup: a scratch server that was ended, or had no room left."""
        is_answered = Asker(str(scratch.option_file), 1).is_answered()
        code = scratch.exit_code(0.0 if is_answered else _ENDS_WITHIN_S)
        if code is not None:
            how = "the kernel or somebody killed it" if code < 0 else f"it ended with {code}"
            message = f"the scratch server is gone amid the drill: {how}: {scratch.last_words() or 'it said nothing'}"
            return BackupError(message, hint="see whether memory or disk got short: journalctl -k")
        room = look(scratch.folder)
        if room.disk_bytes < _FULL_BYTES:
            message = f"the disk below {self._settings.directory} filled up amid the drill"
            return BackupError(message, hint="free some, or set backup.drill.directory to a folder on a larger disk")
        return None

    def _drilled(self, findings: Findings) -> Drilled:
        return Drilled(
            drilled_at=rfc3339(self._clock.now()),
            by=self._settings.by,
            restore_s=round(findings.restore_s, 3),
            tables=findings.tables,
            rows=findings.rows,
            problems=list(findings.problems),
        )
