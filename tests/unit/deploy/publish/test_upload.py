"""An archive on its way into S3, whatever answers get lost: published is whole, and the rest is nothing."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, TypeVar, cast

import pytest

from tests.unit.deploy.publish.test_tries import Time
from vawsum_agent.aws.artifact_bucket import ArtifactHead, Document, ObjectExists
from vawsum_agent.core.errors import AccessDenied, AwsError, DeployError, NotFound, Unavailable
from vawsum_agent.deploy.publish.archive import Packed
from vawsum_agent.deploy.publish.upload import upload

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from vawsum_agent.aws.artifact_bucket import StreamedUpload

_T = TypeVar("_T")

RELEASE = "20261129T101500Z-4f2a91c00112"
ARTIFACT = f"{RELEASE}.tar.zst"
CHECKSUM = f"{RELEASE}.sha256"


def base64_of(body: bytes) -> str:
    """Give a checksum as S3 writes it."""
    return base64.b64encode(hashlib.sha256(body).digest()).decode()


class Folder:
    """A folder of S3.

    Attributes:
        lost: which calls get no answer, by their number; they are done all the same where ``is_done``.
    """

    def __init__(self, lost: tuple[int, ...] = (), *, is_done: bool = False) -> None:
        self.objects: dict[str, bytes] = {}
        self.order: list[str] = []
        self.aborted = 0
        self.calls = 0
        self._lost = lost
        self._is_done = is_done

    def answer(self, action: Callable[[], _T]) -> _T:
        """Answer a call, or not."""
        self.calls += 1
        if self.calls not in self._lost:
            return action()
        if self._is_done:
            action()
        raise Unavailable("no answer")

    def store(self, name: str, body: bytes) -> str:
        """Take an object in."""
        if name in self.objects:
            raise ObjectExists(f"{name} exists")
        self.objects[name] = body
        self.order.append(name)
        return '"etag"'

    def location(self, name: str) -> str:
        """See `ArtifactBucket.location`."""
        return f"s3://artifacts/{name}"

    def put_new(self, name: str, body: bytes, content_type: str) -> str:
        """See `ArtifactBucket.put_new`."""
        assert content_type
        return self.answer(lambda: self.store(name, body))

    def begin_upload(self, name: str, content_type: str, sha256: bytes) -> StreamedUpload:
        """See `ArtifactBucket.begin_upload`."""
        assert (content_type, len(sha256)) == ("application/zstd", 32)
        return self.answer(lambda: cast("StreamedUpload", Parts(self, name)))

    def head(self, name: str) -> ArtifactHead | None:
        """See `ArtifactBucket.head`."""
        body = self.objects.get(name)
        return None if body is None else ArtifactHead(len(body), '"etag"', base64_of(body), "")

    def read(self, name: str, most_bytes: int) -> Document | None:
        """See `ArtifactBucket.read`."""
        raise NotImplementedError


class Parts:
    """See `StreamedUpload`."""

    def __init__(self, folder: Folder, name: str) -> None:
        self._folder = folder
        self._name = name
        self._parts: dict[int, bytes] = {}

    def send_part(self, number: int, body: bytes) -> None:
        """See `StreamedUpload.send_part`."""
        self._folder.answer(lambda: self._parts.__setitem__(number, body))

    def complete(self) -> str:
        """See `StreamedUpload.complete`."""
        body = b"".join(self._parts[number] for number in sorted(self._parts))
        if self._folder.objects.get(self._name) == body:
            return '"etag"'
        return self._folder.answer(lambda: self._folder.store(self._name, body))

    def abort(self) -> None:
        """See `StreamedUpload.abort`."""
        self._folder.aborted += 1


@pytest.fixture
def small(tmp_path: Path) -> tuple[Path, Packed]:
    """An archive that is one request."""
    return an_archive(tmp_path / "small", b"tiny")


@pytest.fixture
def large(tmp_path: Path) -> tuple[Path, Packed]:
    """An archive that is three parts."""
    return an_archive(tmp_path / "large", b"large and so")


def an_archive(path: Path, body: bytes) -> tuple[Path, Packed]:
    """Write one."""
    path.write_bytes(body)
    return path, Packed(len(body), hashlib.sha256(body).hexdigest(), "", 1)


def send(folder: Folder, archive: tuple[Path, Packed], on_sent: Callable[[int], object] = lambda _: None) -> None:
    """Upload an archive in parts of five bytes."""
    upload(folder, RELEASE, *archive, Time().tries(), on_sent, 5)


def expect_whole(folder: Folder, archive: tuple[Path, Packed]) -> None:
    """The archive is there, and its checksum came after it."""
    assert folder.order == [ARTIFACT, CHECKSUM]
    assert folder.objects[ARTIFACT] == archive[0].read_bytes()
    assert folder.objects[CHECKSUM].decode() == f"{archive[1].sha256}  {ARTIFACT}\n"


def test_the_checksum_comes_last(small: tuple[Path, Packed], large: tuple[Path, Packed]) -> None:
    """In one request, or in parts; what is told of its way ends at the whole."""
    for archive, expected, calls in ((small, [4], 2), (large, [5, 10, 12], 6)):
        folder = Folder()
        told: list[int] = []
        send(folder, archive, told.append)
        expect_whole(folder, archive)
        assert (told, folder.calls) == (expected, calls)


@pytest.mark.parametrize("is_done", [False, True])
def test_lost_answers_change_nothing(small: tuple[Path, Packed], large: tuple[Path, Packed], *, is_done: bool) -> None:
    """Whichever call has no answer, once or twice, be it done or not: what is there in the end is the same."""
    for archive, calls in ((small, 2), (large, 6)):
        for call in range(1, calls + 1):
            for lost in ((call,), (call, call + 1)):
                folder = Folder(lost, is_done=is_done)
                send(folder, archive)
                expect_whole(folder, archive)


def test_what_is_there_of_others_stays(small: tuple[Path, Packed]) -> None:
    """Nothing is written over, and no checksum is put beside it."""
    folder = Folder()
    folder.objects[ARTIFACT] = b"theirs"
    with pytest.raises(DeployError, match="exists already"):
        send(folder, small)
    assert folder.objects == {ARTIFACT: b"theirs"}


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (AccessDenied("no", code="AccessDenied"), AccessDenied),
        (NotFound("gone", code="NoSuchUpload"), DeployError),
        (KeyboardInterrupt(), KeyboardInterrupt),
    ],
)
def test_what_fails_midway_leaves_no_parts(
    error: AwsError, expected: type[BaseException], large: tuple[Path, Packed]
) -> None:
    """Refused, thrown away by somebody, or interrupted: no release, and the parts are aborted."""
    folder = Folder()

    def interrupt(_: int) -> None:
        raise error

    with pytest.raises(expected):
        send(folder, large, interrupt)
    assert folder.objects == {}
    assert folder.aborted == (0 if isinstance(error, NotFound) else 1)


def test_a_damaged_file_is_not_published(small: tuple[Path, Packed], large: tuple[Path, Packed]) -> None:
    """What is read must be what was packed: changed, cut, or gone on the disk, it is refused."""
    for (path, packed), uploads in ((small, 0), (large, 1)):
        for body in (b"x" * packed.size_bytes, path.read_bytes()[:3], b""):
            path.write_bytes(body)
            folder = Folder()
            with pytest.raises(DeployError, match="not what was written"):
                send(folder, (path, packed))
            assert (folder.objects, folder.aborted) == ({}, uploads)
