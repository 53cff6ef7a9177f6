"""Whether the host that backs up under a name has the data that this one has. Pure.

Of hosts that share a name one makes the night's backup, and the others are content. That is right for a replica, and
silent loss for a server with data of its own that was given the same name, as it is unless somebody chose another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.core.errors import BackupError
from vawsum_agent.core.text import printable

if TYPE_CHECKING:
    from vawsum_agent.backup.manifest import Manifest
    from vawsum_agent.backup.server.facts import Server

_NAMED = 3


def of_another_server(newest: Manifest, ours: Server, host: str) -> BackupError | None:
    """Tell that a backup is of other data than this host's: not one database of ours is in it.

    Args:
        newest: that there is under our name.
        ours: what the server of this host holds.
        host: this one.
    """
    theirs = {database.name for database in newest.databases}
    names = [database.name for database in ours.databases]
    if newest.host == host or theirs & set(names):
        return None
    shown = ", ".join(map(printable, names[:_NAMED])) + (", …" if len(names) > _NAMED else "")
    message = (
        f"nothing of this server is backed up: {printable(newest.host)} makes the backups of {newest.server}, and has"
        f" no {shown}"
    )
    return BackupError(message, hint="give servers with different data names of their own: backup.server")
