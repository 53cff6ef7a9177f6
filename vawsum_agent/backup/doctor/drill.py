"""Whether the next drill can be held: its server is installed, and has room for the newest backup."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.backup.doctor.unit import unit_memory
from vawsum_agent.backup.drill.place import directory_of
from vawsum_agent.backup.drill.programs import find, numbers
from vawsum_agent.backup.drill.room import disk_needed_bytes, look, refusal
from vawsum_agent.core.errors import BackupError
from vawsum_agent.core.finding import Finding, Severity
from vawsum_agent.core.units import format_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vawsum_agent.backup.publish.catalog import Published
    from vawsum_agent.config.model import BackupConfig

_WHERE = "drill"


def drills(backup: BackupConfig, state_dir: str, newest: Published | None) -> Iterator[Finding]:
    """Look without making anything.

    Args:
        backup: as it is configured.
        state_dir: where drills are held unless it is configured otherwise.
        newest: the backup that would be restored; None where there is none.
    """
    if backup.drill is None:
        what = "none is scheduled: nobody knows whether backups restore, and how long that takes"
        yield Finding(
            Severity.WARNING, what, _WHERE, "add a table [backup.drill]; or now and then: vawsum-agent backup drill"
        )
        return
    yield from unit_memory()
    if newest is None:
        return
    manifest = newest.manifest
    try:
        programs = find(manifest.flavour)
    except BackupError as error:
        yield Finding(Severity.PROBLEM, error.message, _WHERE, error.hint)
        return
    if numbers(programs.version) < numbers(manifest.server_version):
        what = (
            f"{programs.server} is {programs.version}, older than the server that was dumped, {manifest.server_version}"
        )
        yield Finding(
            Severity.WARNING, what, _WHERE, "install a server of the same version, or drill on a host that has it"
        )
    room = look(directory_of(backup, state_dir))
    refused = refusal(room, manifest.dump.raw_bytes, manifest.backup_id)
    if refused is not None:
        yield Finding(Severity.PROBLEM, refused.message, _WHERE, refused.hint)
        return
    needed = format_bytes(disk_needed_bytes(manifest.dump.raw_bytes))
    free = format_bytes(room.disk_bytes)
    what = f"{programs.server} is there, {programs.version}; {needed} of disk are needed, and {free} are free"
    yield Finding(Severity.OK, what, _WHERE)
