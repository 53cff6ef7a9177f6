"""Looks at the journal of one application from outside: as the daemon does, which may read it and nothing more.

Where the journal does not show, since the daemon's unit hides where applications lie, copies of its records are looked
at. A look costs two stat(2) while nothing changes, since every note is a rename in the folder. Nothing is locked, so
that whoever took the daemon over can't hold up a deploy.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from vawsum_agent.core.errors import DeployError
from vawsum_agent.core.text import printable
from vawsum_agent.deploy.record import is_deploy_id
from vawsum_agent.deploy.record_file import record_in
from vawsum_agent.deploy.trust import see_that_it_is_own

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from vawsum_agent.deploy.layout import AppFolder
    from vawsum_agent.deploy.record import Record

_MOST_READ = 200
"""Deploys in a row that did not come into service. Before them nothing is looked for."""

_SETTLED_NS = 2_000_000_000
"""Two changes within one tick of the file system's clock look like one. It is no coarser than that."""

_Stamp = tuple[int, int, int]


class Glance:
    """Remembers what it read, and reads what changed.

    Args:
        app: whose journal.
        copies: the folder of its copies; see `vawsum_agent.deploy.copies`.
    """

    def __init__(self, app: AppFolder, copies: Path) -> None:
        self._app = app
        self._copies = copies
        self._folder = journal_folder(app)
        self._stamp: int | None = None
        self._known: dict[str, tuple[_Stamp, Record]] = {}

    def look(self) -> list[Record]:
        """Give the records, the newest first, down to the last one that was deployed; none where nothing ever was.

        Raises:
            DeployError: they can't be read, or others may write copies; says what a person can do.
        """
        try:
            folder = records_folder(self._app, self._copies)
            if folder != self._folder:
                self._folder, self._stamp, self._known = folder, None, {}
            changed_ns = self._folder.stat().st_mtime_ns
            if changed_ns != self._stamp:
                # Taken down before it is read, and only when it can't change again unseen.
                is_settled = time.time_ns() - changed_ns > _SETTLED_NS
                self._read()
                self._stamp = changed_ns if is_settled else None
        except FileNotFoundError:
            self._stamp, self._known = None, {}
        except OSError as exc:
            self._stamp = None
            message = f"{self._folder} can't be read: {exc.strerror}: no deploy shows"
            hint = (
                f"start the agent by its systemd unit, which reads all files, or let it in: chmod o+rx {self._folder}"
            )
            raise DeployError(printable(message), hint=printable(hint)) from exc
        return [record for _, record in self._known.values()]

    def _read(self) -> None:
        if self._folder == self._copies:
            see_that_it_is_own(self._copies)
        known: dict[str, tuple[_Stamp, Record]] = {}
        for path in self._paths()[:_MOST_READ]:
            try:
                stamp = _stamp_of(path.lstat())
            except FileNotFoundError:
                continue  # forgotten meanwhile, being too old
            before = self._known.get(path.stem)
            record = before[1] if before is not None and before[0] == stamp else record_in(path)
            if record is None:
                continue
            known[path.stem] = (stamp, record)
            if record.has_served:
                break
        self._known = known

    def _paths(self) -> list[Path]:
        found = [path for path in self._folder.iterdir() if path.suffix == ".json" and is_deploy_id(path.stem)]
        return sorted(found, key=lambda path: path.stem, reverse=True)


def journal_folder(app: AppFolder) -> Path:
    """Where the records are; see `vawsum_agent.deploy.journal`."""
    return app.journal / "deploys"


def records_folder(app: AppFolder, copies: Path) -> Path:
    """Where records show: the journal itself, or else copies, if there are any. Raises OSError: nobody can tell."""
    folder = journal_folder(app)
    try:
        folder.stat()
    except FileNotFoundError:
        return copies
    return folder


def _stamp_of(status: os.stat_result) -> _Stamp:
    # A record is never written to: each note is another file.
    return (status.st_ino, status.st_mtime_ns, status.st_size)
