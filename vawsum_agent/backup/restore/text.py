"""A backup, or a part of it, as SQL: for a person to read, or a pipe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.backup.restore.plan import frames_in_order
from vawsum_agent.backup.restore.source import Whole

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vawsum_agent.backup.manifest import Manifest
    from vawsum_agent.backup.restore.plan import Selection
    from vawsum_agent.backup.restore.source import Source


def sql_of(manifest: Manifest, selection: Selection, source: Source) -> Iterator[bytes]:
    """Give the SQL of a selection in the order of the dump; of a whole backup it is the dump, byte for byte.

    Each frame is verified when its last block was given, and the SHA-256 of a whole backup in the end: what was given
    before counts only if none of this raises.

    Raises:
        BackupError: the backup is damaged.
        AwsError: S3 does not give it.
    """
    whole = Whole(manifest.dump, source.where) if selection.is_whole else None
    for frame in frames_in_order(manifest, selection):
        yield from source.sql(frame, whole.take if whole is not None else lambda _: None)
    if whole is not None:
        whole.verify()
