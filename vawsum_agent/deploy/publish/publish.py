"""From files to a release, in this order: fetch, build, look, pack, name, upload.

All of it happens in a temporary folder that is gone afterwards, however it ends short of SIGKILL; only what a build
left there that we can't remove stays. There is nothing to be taken up again: whoever publishes again makes a new
release.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vawsum_agent.core.errors import AccessDenied, DeployError
from vawsum_agent.core.units import counted, format_bytes
from vawsum_agent.deploy.fleet_release import NAME as CURRENT
from vawsum_agent.deploy.hooks.release_file import load_release_file
from vawsum_agent.deploy.publish.archive import Packed, pack
from vawsum_agent.deploy.publish.build import Build, build
from vawsum_agent.deploy.publish.fetch import Say, fetched
from vawsum_agent.deploy.publish.folder import copied, known
from vawsum_agent.deploy.publish.names import artifact_name, release_id
from vawsum_agent.deploy.publish.survey import survey
from vawsum_agent.deploy.publish.upload import Target, upload
from vawsum_agent.deploy.publish.work_copy import WorkCopy, time_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from vawsum_agent.core.clock import Clock
    from vawsum_agent.deploy.publish.repository import Repository
    from vawsum_agent.deploy.publish.tries import Tries

Show = Callable[[str, int, int | None], None]
"""Told the phase, bytes done, and bytes in all."""


_MOST_BYTES = 64 << 10


@dataclass(frozen=True, slots=True)
class FromFolder:
    """Files that lie in a folder, which stays as it is."""

    folder: Path


@dataclass(frozen=True, slots=True)
class FromRepository:
    """Files of a commit."""

    repository: Repository
    ref: str
    with_submodules: bool = False


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be published.

    Attributes:
        app: the name of the application.
        build: what makes it of the files; None: they are it.
        allowed_secrets: patterns of names that may be published although they look like secrets.
    """

    app: str
    source: FromFolder | FromRepository
    build: Build | None = None
    allowed_secrets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Means:
    """With what it is done.

    Attributes:
        environ: of this process.
        say: told what is done, in plain sentences.
        show: told how far it is.
    """

    environ: Mapping[str, str]
    clock: Clock
    say: Say
    show: Show


@dataclass(frozen=True, slots=True)
class Made:
    """A release that is ready to be uploaded, or was.

    Attributes:
        commit: its whole id; empty where there is none.
    """

    release: str
    archive: Path
    packed: Packed
    commit: str


@contextmanager
def made(order: Order, means: Means) -> Iterator[Made]:
    """Make a release; its archive is there until the context ends.

    Raises:
        DeployError: there is none: what can't be had, built or published.
        UsageError: the folder is none.
    """
    with _temporary(means.say) as work:
        with _told():
            release = _make(order, work, means)
        yield release


@contextmanager
def _temporary(say: Say) -> Iterator[Path]:
    """Give a folder for as long as the context lasts."""
    with _told():
        place = tempfile.TemporaryDirectory(prefix="vawsum-release-")
    try:
        # If we die, this folder stays until the system clears its temporary files. Nobody looks into it again.
        yield Path(place.name).resolve()
    finally:
        try:
            place.cleanup()
        except OSError as exc:
            # A container left files of root's, or something of the build still writes. That changes no outcome.
            # Not by `ignore_cleanup_errors`, which lets what it meets on the way through.
            shutil.rmtree(place.name, ignore_errors=True)
            if os.path.lexists(place.name):
                say(f"{place.name} could not be removed, which is for you to do: {exc.strerror}")


def _make(order: Order, work: Path, means: Means) -> Made:
    copy = _work_copy(order, work, means)
    mtime = time_of(copy, means.environ)
    if order.build is not None:
        means.say("building")
        build(order.build, copy, order.app, mtime, means.environ)
    found = survey(copy.folder, order.allowed_secrets)
    # What it asks for in vain would be refused on the first host; here somebody can mend it.
    load_release_file(copy.folder, of_anybody=True)
    means.say(f"packing {counted(found.files, 'file')}, {format_bytes(found.size_bytes)}")
    archive = work / "archive"
    with archive.open("xb") as out:
        packed = pack(
            copy.folder, out, mtime, found.tar_bytes, lambda done: means.show("packing", done, found.size_bytes)
        )
    commit = copy.commit or packed.content_sha256
    release = release_id(means.clock.now(), commit, is_modified=copy.is_modified)
    return Made(release, archive, packed, copy.commit)


def reach(target: Target, tries: Tries) -> None:
    """See that the bucket is there before anything is built.

    Raises:
        AwsError: it is not, or no credentials are.
    """
    try:
        tries.call(lambda: target.read(CURRENT, _MOST_BYTES))
    except AccessDenied as error:
        # Whoever may only write is told so for what is not there, too.
        if error.code != "AccessDenied":
            raise


def publish(release: Made, target: Target, tries: Tries, means: Means) -> None:
    """Upload a release.

    Raises:
        DeployError, AwsError: it was not published; see `upload`.
    """
    size_bytes = release.packed.size_bytes
    means.say(f"uploading {format_bytes(size_bytes)} to {target.location(artifact_name(release.release))}")
    with _told():
        upload(
            target,
            release.release,
            release.archive,
            release.packed,
            tries,
            lambda done: means.show("uploading", done, size_bytes),
        )


def _work_copy(order: Order, work: Path, means: Means) -> WorkCopy:
    """Give the folder that becomes the release: fetched, copied where a build will change it, or as it lies there."""
    place = work / "copy"
    place.mkdir()
    source = order.source
    if isinstance(source, FromRepository):
        return fetched(
            source.repository,
            source.ref,
            place,
            means.environ,
            means.say,
            with_submodules=source.with_submodules,
        )
    found = known(source.folder, means.environ, means.say)
    if work.is_relative_to(found.folder):
        message = f"{found.folder} holds the folder for temporary files, {work.parent}"
        raise DeployError(message, hint="name another one with TMPDIR")
    if order.build is None:
        return found
    copied(found.folder, place, means.environ)
    return WorkCopy(place, found.commit, found.committed_at, found.is_modified)


@contextmanager
def _told() -> Iterator[None]:
    """Say which file the system refused, and what to do about a full disk."""
    try:
        yield
    except OSError as exc:
        is_full = exc.errno in {errno.ENOSPC, errno.EDQUOT}
        message = f"{exc.filename or 'the release'}: {exc.strerror}"
        hint = f"free some space in {tempfile.gettempdir()}, or name a larger folder with TMPDIR" if is_full else ""
        raise DeployError(message, hint=hint) from exc
