"""The journal of one application's deploys on this host, below the application's own path.

    {path}/.vawsum/reserve                       given up when the disk is full, so that a deploy can be ended
    {path}/.vawsum/deploys/{deploy_id}.json      a record, rewritten whole at every note
    {path}/.vawsum/deploys/{deploy_id}.log       what it said meanwhile, for whoever follows
    {path}/.vawsum/deploys/{deploy_id}.err       what its process printed otherwise, where there is no systemd
    {path}/.vawsum/deploys/{deploy_id}.refused   why there is no record: it did not begin

Root's alone to write, and not below ``state_dir``: that is the daemon's, who could put another folder in its place.
Anybody may read the records, and where the daemon can't, it sees copies; see `vawsum_agent.deploy.copies`.
"""

from __future__ import annotations

import calendar
import contextlib
import errno
import os
import secrets
import time
from typing import TYPE_CHECKING

import msgspec

from vawsum_agent.core.durable import sync_directory, write_durably
from vawsum_agent.core.errors import DeployError
from vawsum_agent.core.text import printable
from vawsum_agent.deploy.copies import Copies
from vawsum_agent.deploy.record import ENDED, Line, Record, is_deploy_id
from vawsum_agent.deploy.record_file import record_in
from vawsum_agent.deploy.trust import own_folder, see_that_it_is_own

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from vawsum_agent.core.clock import Clock
    from vawsum_agent.deploy.layout import AppFolder
    from vawsum_agent.deploy.machine import End, Phase, Step

_MODE = 0o644
_STAMP = "%Y%m%dT%H%M%SZ"
_RESERVE_BYTES = 256 << 10
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_MOST_RECORDS = 2000
"""More than the releases that may be kept: what served healthy is told by records."""

_STRAY_KEPT_S = 7 * 86400.0
"""For what tells of no deploy: refusals that nobody waited for, and what was printed meanwhile."""


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """Why a deploy did not begin, for whoever asked for it."""

    message: str
    hint: str = ""
    exit_code: int = 1


class Journal:
    """The records of one application. Only the holder of the lock writes records.

    Args:
        most_records: are kept of any kind; as many more of those that tell of a release that served healthy.
        copies: the folder where the daemon sees each record, too; None for nowhere.
    """

    def __init__(
        self, app: AppFolder, clock: Clock, *, most_records: int = _MOST_RECORDS, copies: Path | None = None
    ) -> None:
        self.folder = app.journal / "deploys"
        self._app = app
        self._reserve = app.journal / "reserve"
        self._clock = clock
        self._most_records = most_records
        self._copies = Copies(copies) if copies is not None else None

    def prepare(self) -> None:
        """Make the folders. Raises DeployError: others could replace them."""
        own_folder(self._app.path)
        own_folder(self._app.journal)
        own_folder(self.folder)

    def new_id(self) -> str:
        """Name a deploy that is asked for now, after all that were, also where the clock was set back since."""
        now, latest = self._clock.now(), next(reversed(self._ids()), "")
        with contextlib.suppress(ValueError):
            now = max(now, calendar.timegm(time.strptime(latest.partition("-")[0], _STAMP)) + 1.0)
        return f"{time.strftime(_STAMP, time.gmtime(now))}-{secrets.token_hex(4)}"

    def set_aside(self) -> None:
        """Have a reserve, before a deploy begins. Raises DeployError: there is no room for it."""
        try:
            if not self._reserve.exists():
                write_durably(self._reserve, bytes(_RESERVE_BYTES), mode=0o600)
        except OSError as exc:
            # Without it a deploy could begin, and nobody note how it ended.
            message = f"there is no room for the journal in {self._app.journal}: {exc.strerror}"
            raise DeployError(printable(message), hint="free some space, bytes and inodes") from exc

    def write(self, record: Record) -> None:
        """Make a record durable as it is. Raises DeployError: the disk is full, or broken."""
        content = msgspec.json.encode(record)
        try:
            self._write(self._path(record.deploy_id), content)
        except OSError as exc:
            message = f"the journal in {self.folder} can't be written: {exc.strerror}"
            raise DeployError(printable(message), hint="free some space, then `vawsum-agent deploy recover`") from exc
        # A crash here leaves a copy that lags behind, until the next process calls `show_all`.
        if self._copies is not None:
            self._copies.put(record.deploy_id, content)

    def note(self, record: Record, step: Step, phase: Phase, text: str = "") -> None:
        """Note what happens, before it does or after it did. Raises DeployError: only the record in memory has it."""
        record.lines = [*record.lines, Line(step=step, phase=phase, at=self._clock.now(), text=text)]
        self.write(record)

    def close(self, record: Record, end: End) -> None:
        """Note how it ended. Raises DeployError."""
        record.end, record.ended_at = end, self._clock.now()
        self.write(record)
        self._forget_old()

    def show_all(self) -> None:
        """Have the daemon see what is here, also what was written without a copy. Under the lock; never raises."""
        if self._copies is None:
            return
        # In a folder of others, a record may be any file that root can read.
        with contextlib.suppress(DeployError):
            see_that_it_is_own(self.folder)
            self._copies.bring_up(self.folder, self._ids())

    def records(self) -> list[Record]:
        """All that can be read, the oldest first."""
        return list(self._read_all())

    def read(self, deploy_id: str) -> Record | None:
        """Give one record; None when there is none.

        Raises:
            DeployError: it can't be read, or makes no sense.
        """
        return record_in(self._path(deploy_id))

    def unfinished(self) -> list[Record]:
        """Those that have to be finished or taken back, the oldest first; stuck ones among them. See `damage`.

        Raises:
            DeployError: others may write to the folder, and could have us do whatever they put there.
        """
        if os.path.lexists(self.folder):
            see_that_it_is_own(self.folder)
        return [record for record in self._read_all() if record.end not in ENDED]

    def damage(self) -> list[DeployError]:
        """Say which records can't be read, so that nobody knows whether those deploys ended."""
        found = []
        for deploy_id in self._ids():
            try:
                self.read(deploy_id)
            except DeployError as error:
                found.append(error)
        return found

    def refuse(self, deploy_id: str, refusal: Refusal) -> None:
        """Tell whoever follows that it did not begin. Raises DeployError."""
        try:
            # The reserve is for whoever has begun.
            write_durably(self._refused(deploy_id), msgspec.json.encode(refusal), mode=_MODE)
        except OSError as exc:
            raise DeployError(f"{self.folder} can't be written: {exc.strerror}") from exc

    def refusal(self, deploy_id: str) -> Refusal | None:
        """Why it did not begin, and forget it; None when it did, or has not yet."""
        try:
            body = self._refused(deploy_id).read_bytes()
            self._refused(deploy_id).unlink()
            return msgspec.json.decode(body, type=Refusal)
        except (OSError, msgspec.MsgspecError):
            return None

    def log_path(self, deploy_id: str) -> Path:
        """Where a deploy says what it does."""
        return self.folder / f"{deploy_id}.log"

    def stray_path(self, deploy_id: str) -> Path:
        """Where what its process printed otherwise ends up, when no systemd takes it."""
        return self.folder / f"{deploy_id}.err"

    def _write(self, path: Path, content: bytes) -> None:
        try:
            write_durably(path, content, mode=_MODE)
        except OSError as exc:
            if exc.errno not in _FULL or not self._reserve.exists():
                raise
            # Whatever filled the disk, this host must not be left drained because a note found no room.
            self._reserve.unlink()
            write_durably(path, content, mode=_MODE)

    def _path(self, deploy_id: str) -> Path:
        return self.folder / f"{deploy_id}.json"

    def _refused(self, deploy_id: str) -> Path:
        return self.folder / f"{deploy_id}.refused"

    def _ids(self) -> list[str]:
        try:
            found = [path.stem for path in self.folder.iterdir() if path.suffix == ".json"]
        except OSError:
            return []
        return sorted(stem for stem in found if is_deploy_id(stem))

    def _read_all(self) -> Iterator[Record]:
        for deploy_id in self._ids():
            try:
                record = self.read(deploy_id)
            except DeployError:
                continue
            if record is not None:
                yield record

    def _forget_old(self) -> None:
        """Remove what is too old, and what killed processes left. What can't be removed now may be the next time."""
        ids = self._ids()
        many, too_many = ids[: -self._most_records], ids[: -2 * self._most_records]
        gone = {deploy_id for deploy_id in many if self._is_dispensable(deploy_id, is_needed=deploy_id not in too_many)}
        kept = set(ids) - gone
        long_ago = self._clock.now() - _STRAY_KEPT_S
        with contextlib.suppress(OSError):
            for path in list(self.folder.iterdir()):
                is_part, of_id = path.name.startswith("."), path.name.lstrip(".").partition(".")[0]
                is_ours = is_deploy_id(of_id) and (is_part or of_id not in kept)
                if is_ours and (of_id in gone or path.lstat().st_mtime < long_ago):
                    path.unlink(missing_ok=True)
            sync_directory(self.folder)
        if self._copies is not None:
            self._copies.keep_only(kept)

    def _is_dispensable(self, deploy_id: str, *, is_needed: bool) -> bool:
        """Whether an old record may go. A row of failed deploys must not push out what tells of healthy releases."""
        try:
            record = self.read(deploy_id)
        except DeployError:
            return False
        return record is not None and record.end in ENDED and not (record.has_served and is_needed)
