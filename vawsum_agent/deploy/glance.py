"""Looks at the journal of one application from outside: as the daemon does, which may read it and nothing more.

A look costs one stat(2) while nothing changes, since every note is a rename in the journal's folder. Nothing is locked,
so that whoever took the daemon over can't hold up a deploy.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from vawsum_agent.core.clock import SystemClock
from vawsum_agent.core.errors import DeployError
from vawsum_agent.core.text import printable
from vawsum_agent.deploy.confined import is_hidden
from vawsum_agent.deploy.journal import Journal
from vawsum_agent.deploy.record import is_deploy_id

if TYPE_CHECKING:
    import os

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
        opening: what a person does where the daemon's unit hides it.
        proc: where procfs is mounted.
    """

    def __init__(self, app: AppFolder, opening: str, proc: Path = Path("/proc")) -> None:
        self._app = app
        self._opening = opening
        self._folder = journal_folder(app)
        self._journal = Journal(app, SystemClock())
        self._proc = proc
        self._stamp: int | None = None
        self._known: dict[str, tuple[_Stamp, Record]] = {}

    def look(self) -> list[Record]:
        """Give the records, the newest first, down to the last one that was deployed; none where nothing ever was.

        Raises:
            DeployError: they can't be read; says what a person can do.
        """
        try:
            changed_ns = self._folder.stat().st_mtime_ns
            if changed_ns != self._stamp:
                # Taken down before it is read, and only when it can't change again unseen.
                is_settled = time.time_ns() - changed_ns > _SETTLED_NS
                self._read()
                self._stamp = changed_ns if is_settled else None
        except FileNotFoundError as exc:
            self._stamp, self._known = None, {}
            if is_hidden(self._app.path, self._proc / "self"):
                message = f"{self._app.path} is hidden from the daemon by its unit: no deploy shows"
                raise DeployError(printable(message), hint=self._opening) from exc
        except OSError as exc:
            self._stamp = None
            message = f"{self._folder} can't be read: {exc.strerror}: no deploy shows"
            hint = (
                f"start the agent by its systemd unit, which reads all files, or let it in: chmod o+rx {self._folder}"
            )
            raise DeployError(printable(message), hint=printable(hint)) from exc
        return [record for _, record in self._known.values()]

    def _read(self) -> None:
        known: dict[str, tuple[_Stamp, Record]] = {}
        for path in self._paths()[:_MOST_READ]:
            try:
                stamp = _stamp_of(path.lstat())
            except FileNotFoundError:
                continue  # forgotten meanwhile, being too old
            before = self._known.get(path.stem)
            record = before[1] if before is not None and before[0] == stamp else self._journal.read(path.stem)
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


def _stamp_of(status: os.stat_result) -> _Stamp:
    # A record is never written to: each note is another file.
    return (status.st_ino, status.st_mtime_ns, status.st_size)
