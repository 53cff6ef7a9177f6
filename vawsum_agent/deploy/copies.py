"""Copies of the records of one application, where the daemon sees them: its unit hides where applications lie.

    /var/lib/vawsum-agent-deploys/{app}/{deploy_id}.json

Root's, made by systemd for the services that deploy (``StateDirectory=``). Whoever deploys believes the journal alone:
a copy is for show, so nothing is synced, and what can't be copied now may be the next time.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from vawsum_agent.core.errors import DeployError
from vawsum_agent.deploy.record import is_deploy_id
from vawsum_agent.deploy.record_file import content_of
from vawsum_agent.deploy.trust import own_folder

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

COPIES = Path("/var/lib/vawsum-agent-deploys")
"""Holds a folder an application."""

_VARIABLE = "STATE_DIRECTORY"
_MODE = 0o644
_MOST_BROUGHT_UP = 200
"""Records that are copied afterwards, the latest: as many as the daemon looks at."""


def copies_here(environment: Mapping[str, str], made_before: Path = COPIES) -> Path | None:
    """Where copies are put: where systemd says (systemd.exec(5)), else, by root at a prompt, where they were before.

    None where nothing is hidden: in no service, on a host where none has deployed yet.
    """
    first = environment.get(_VARIABLE, "").partition(":")[0]
    if first.startswith("/"):
        return Path(first)
    return made_before if os.geteuid() == 0 and made_before.is_dir() else None


def folder_of_copies(copies: Path | None, app: str) -> Path | None:
    """Make the folder of one application; None where there is none to be, or others could replace it."""
    if copies is None:
        return None
    try:
        own_folder(copies / app)
    except DeployError:
        return None
    return copies / app


class Copies:
    """The folder of copies. Only the holder of the lock writes to it; nothing is ever raised.

    Args:
        folder: of one application; nobody else may write there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, deploy_id: str, content: bytes) -> None:
        """Put what the journal has by now in the place of an earlier copy, whole or not at all."""
        path = self._path(deploy_id)
        # Killed before the rename, we leave the earlier copy and a file that `keep_only` removes.
        temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        with suppress(OSError):
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, _MODE)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            temporary.rename(path)

    def bring_up(self, journal: Path, ids: Sequence[str]) -> None:
        """Copy what is missing here, or was not copied when it changed, such as by somebody without systemd.

        Args:
            journal: the folder of the records.
            ids: of all records there, the oldest first.
        """
        for deploy_id in ids[-_MOST_BROUGHT_UP:]:
            with suppress(OSError):
                content = content_of(journal / f"{deploy_id}.json")
                if content != self._content(deploy_id):
                    self.put(deploy_id, content)
        self.keep_only(ids)

    def keep_only(self, ids: Collection[str]) -> None:
        """Forget copies of records that are gone, and what killed processes left."""
        kept = set(ids)
        with suppress(OSError):
            for path in list(self._folder.iterdir()):
                is_part, of_id = path.name.startswith("."), path.name.lstrip(".").partition(".")[0]
                if is_deploy_id(of_id) and (is_part or of_id not in kept):
                    path.unlink(missing_ok=True)

    def _content(self, deploy_id: str) -> bytes | None:
        try:
            return content_of(self._path(deploy_id))
        except OSError:
            return None

    def _path(self, deploy_id: str) -> Path:
        return self._folder / f"{deploy_id}.json"
