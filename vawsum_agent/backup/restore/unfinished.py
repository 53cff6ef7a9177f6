"""Which restore ``--resume`` means where no backup is named: the one that was broken off, not the newest backup's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.backup.names import BackupName, is_backup_id
from vawsum_agent.backup.restore.plan import selected
from vawsum_agent.backup.restore.progress import Progress, records
from vawsum_agent.core.errors import BackupError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from vawsum_agent.backup.manifest import Manifest


def unfinished(
    folder: Path,
    server: str,
    database: str,
    table: str,
    identity_of: Callable[[], str],
    manifest_of: Callable[[BackupName], Manifest],
) -> BackupName | None:
    """Find the backup of the restore that was begun last and is not done.

    Args:
        folder: of the journal.
        server: the name of the data.
        database: only this one was typed; empty for all.
        table: only this one, ``database.table``; empty for all.
        identity_of: gives the words that no other target has; asked only where there is something to go on with.
        manifest_of: reads one. A backup that is gone can't be gone on with.

    Returns:
        Its name; None where no restore of this selection into this target is unfinished.

    Raises:
        AwsError: S3 does not answer.
        AgentError: the target can't be asked.
    """
    begun = [
        (path, record) for path, record in records(folder) if record.server == server and is_backup_id(record.backup_id)
    ]
    if not begun:
        return None
    identity = identity_of()
    for path, record in begun:
        name = BackupName(server, record.backup_id)
        try:
            manifest = manifest_of(name)
            selection = selected(manifest, database, table)
        except (BackupError, UsageError):
            continue
        is_same = Progress(folder, name, selection, identity).path == path
        if is_same and record.etag == manifest.dump.etag:
            return name
    return None
