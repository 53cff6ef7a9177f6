"""An artifact on its way to being a release: room, download, unpacking, seal, name; the name comes last."""

from __future__ import annotations

import calendar
import os
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vawsum_agent.core.durable import sync_directory
from vawsum_agent.core.errors import DeployError
from vawsum_agent.core.units import counted, format_bytes
from vawsum_agent.deploy.fetch.download import download
from vawsum_agent.deploy.fetch.fetched import Fetched, fetched
from vawsum_agent.deploy.fetch.inflate import PACKINGS, announced_bytes
from vawsum_agent.deploy.fetch.leftovers import remove_left
from vawsum_agent.deploy.fetch.places import damaged, incoming, partial
from vawsum_agent.deploy.fetch.refused import Refused
from vawsum_agent.deploy.fetch.room import Room
from vawsum_agent.deploy.fetch.seal import Seal, seal_path, write_seal
from vawsum_agent.deploy.fetch.stream import Stream
from vawsum_agent.deploy.fetch.sync import sync_file_system
from vawsum_agent.deploy.fetch.unpack import Making, unpack

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import BinaryIO

    from vawsum_agent.deploy.fetch.artifacts import Artifacts
    from vawsum_agent.deploy.fetch.means import Means
    from vawsum_agent.deploy.fetch.seal import Entry
    from vawsum_agent.deploy.fetch.wanted import Wanted
    from vawsum_agent.deploy.layout import AppFolder

_CLOSED = 0o700
_OPEN = 0o755
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_HEAD_BYTES = 18  # of a zstd frame: RFC 8878, 3.1.1.1
_TAIL_BYTES = 4
_STAMP = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, slots=True)
class Arrival:
    """One artifact that becomes a release."""

    artifacts: Artifacts
    app: AppFolder
    release: str
    wanted: Wanted
    means: Means
    say: Callable[[str], None]

    def run(self) -> Fetched:
        """Do it all, where no leftovers are. Whatever fails, none are left; after a kill `clear_leftovers` sees to it.

        Raises:
            DeployError: see `fetch_release`.
            AwsError: likewise.
            OSError: the disk fails.
        """
        self._check_room()
        try:
            with self._file() as file:
                self.say(f"downloading {self.wanted.name}, {format_bytes(self.wanted.size_bytes)}")
                download(self.artifacts, self.wanted, file, self.means.patience, self.say)
                return self._unpacked(file)
        except Refused as refused:
            message = f"{self.artifacts.where}{self.wanted.name} is refused: {refused.message}"
            raise DeployError(message, hint="nothing of it was kept; publish a release that is whole") from refused
        finally:
            remove_left(incoming(self.app), self.wanted.name)

    def _check_room(self) -> None:
        """See that there is room for what is known now: the artifact, and as much again when it is unpacked."""
        need = self.wanted.size_bytes
        folders = {self.app.releases: need, incoming(self.app): need}
        if self.app.releases.stat().st_dev == incoming(self.app).stat().st_dev:
            folders = {self.app.releases: 2 * need}
        for folder, size_bytes in folders.items():
            self._room(folder).require(size_bytes, 2)

    def _room(self, folder: Path) -> Room:
        return Room(folder, self.release, self.means.look)

    def _file(self) -> BinaryIO:
        path = incoming(self.app) / self.wanted.name
        try:
            return os.fdopen(os.open(path, _NEW, 0o600), "w+b")
        except OSError as exc:
            raise DeployError(f"{path} can't be made: {exc.strerror}") from exc

    def _unpacked(self, file: BinaryIO) -> Fetched:
        began = time.monotonic()
        self._room(self.app.releases).require(self._announced(file), 1)
        place = partial(self.app, self.release)
        try:
            entries = self._filled(place, file)
            seal = Seal(release=self.release, sha256=self.wanted.sha256, entries=entries)
            self._give_name(place, seal)
        except BaseException:
            self._forget(place)
            raise
        done = fetched(seal, is_new=True)
        what = f"{counted(done.files, 'file')}, {format_bytes(done.size_bytes)}"
        self.say(f"unpacked and sealed {what}, in {time.monotonic() - began:.1f} s")
        return done

    def _announced(self, file: BinaryIO) -> int:
        file.seek(0)
        head = file.read(_HEAD_BYTES)
        file.seek(-min(_TAIL_BYTES, self.wanted.size_bytes), os.SEEK_END)
        announced = announced_bytes(self.wanted.suffix, head, file.read())
        file.seek(0)
        return announced

    def _filled(self, place: Path, file: BinaryIO) -> list[Entry]:
        """Unpack, and see to it that it is on the disk before it has a name."""
        place.mkdir(_CLOSED)
        root = os.open(place, _FOLDER)
        try:
            os.fchown(root, os.geteuid(), os.getegid())
            os.fchmod(root, _CLOSED)  # without a set-group-id bit that the folder above passes on
            stream = Stream(PACKINGS[self.wanted.suffix](file), self.wanted.size_bytes, self.means.limits)
            making = Making(self.means.limits, self._room(self.app.releases), released_at(self.release))
            entries = unpack(stream, root, making)
            os.fchmod(root, _OPEN)
            sync_file_system(root)
        finally:
            os.close(root)
        return entries

    def _give_name(self, place: Path, seal: Seal) -> None:
        final = self.app.release(self.release)
        aside = damaged(self.app, self.release)
        if os.path.lexists(final):
            # If we die after this, the damaged one is there no more: it is fetched again.
            final.rename(aside)
        write_seal(self.app, seal)
        # If we die here, there is a seal without a release: it is written again, or cleared.
        place.rename(final)
        sync_directory(final.parent)
        remove_left(aside.parent, aside.name)

    def _forget(self, place: Path) -> None:
        # What can't be removed now is what `clear_leftovers` is for; why it failed matters more.
        with suppress(DeployError, OSError):
            remove_left(place.parent, place.name)
            remove_left(place.parent, damaged(self.app, self.release).name)
        with suppress(OSError):
            self._forget_seal()

    def _forget_seal(self) -> None:
        if not os.path.lexists(self.app.release(self.release)):
            seal_path(self.app, self.release).unlink(missing_ok=True)


def released_at(release: str) -> int:
    """Give the time in the name of a release, in seconds since the epoch; 0 where no such time was."""
    try:
        return max(0, calendar.timegm(time.strptime(release.partition("-")[0], _STAMP)))
    except ValueError:
        return 0
