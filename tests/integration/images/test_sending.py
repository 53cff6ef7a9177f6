"""Files on their way into the sandbox's S3 while it fails in every way it can."""

from __future__ import annotations

import hashlib
import os
import random
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.counts import count
from tests.integration.images.buckets import BUCKET, PREFIX, store_for
from vawsum_agent.config.model import ImagesFolder
from vawsum_agent.core.errors import AwsError
from vawsum_agent.images.upload.send import Kind, Sender, Sent

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sandbox import Sandbox

_FAULTS = ("throttle", "failure", "failure_after", "drop", "reset", "reset_after", "conflict")
_MOST_ATTEMPTS = 100


@pytest.fixture
def folder(sandbox: Sandbox, tmp_path: Path) -> ImagesFolder:
    """Make a folder, and the bucket its files go to."""
    sandbox.create_bucket(BUCKET)
    path = tmp_path / "pictures"
    path.mkdir()
    return ImagesFolder(name="app", path=str(path), bucket=BUCKET, prefix=PREFIX)


def send(sender: Sender, folder: ImagesFolder, name: str) -> Sent:
    """Send a file of the folder."""
    descriptor = os.open(f"{folder.path}/{name}", os.O_RDONLY)
    try:
        return sender.send(folder, name.encode(), descriptor, os.fstat(descriptor).st_size, "image/jpeg")
    finally:
        os.close(descriptor)


def test_every_file_is_whole_in_the_end(
    sandbox: Sandbox, folder: ImagesFolder, tmp_path: Path, tell: Callable[[str], None]
) -> None:
    """Eight at once, each sent until it succeeds: one version of each object, with the file's bytes."""
    dice = random.Random(1)
    bodies = {f"{number}.jpg": dice.randbytes(dice.randrange(1, 100_000)) for number in range(count(150, 2000))}
    for name, body in bodies.items():
        (tmp_path / "pictures" / name).write_bytes(body)
    for kind in _FAULTS:
        sandbox.fault(kind, operation="s3:PutObject", rate=0.07)
    sender = Sender(store_for(sandbox, tmp_path), "i-0abc")

    def send_until_done(name: str) -> tuple[Kind, int]:
        for attempt in range(_MOST_ATTEMPTS):
            try:
                return send(sender, folder, name).kind, attempt
            except AwsError as error:
                if not error.retryable:
                    raise
        raise AssertionError(name)

    with ThreadPoolExecutor(8) as pool:
        ends = list(pool.map(send_until_done, bodies))
    assert {kind for kind, _ in ends} == {Kind.MOVED, Kind.ALREADY_THERE}
    stored = {row.key.removeprefix(PREFIX): row for row in sandbox.versions(BUCKET)}
    assert {name: row.sha256 for name, row in stored.items()} == {
        name: hashlib.sha256(body).hexdigest() for name, body in bodies.items()
    }
    assert {row.version_count for row in stored.values()} == {1}
    assert sandbox.violations() == []
    tell(f"{len(bodies)} files, {sum(attempts for _, attempts in ends)} failures on the way")


def test_hosts_that_meet_agree_on_one(sandbox: Sandbox, folder: ImagesFolder, tmp_path: Path) -> None:
    """Eight hosts send the same name at once: with the same picture all are done, with others one is, and no other."""
    sandbox.settings(conflict_rate=0.5)
    senders = [Sender(store_for(sandbox, tmp_path), f"i-{number}") for number in range(8)]
    (tmp_path / "pictures" / "same.jpg").write_bytes(b"same")

    def meet(name: Callable[[int], str], key: str) -> list[Kind]:
        def one(number: int) -> Kind:
            descriptor = os.open(f"{folder.path}/{name(number)}", os.O_RDONLY)
            try:
                while True:
                    try:
                        return (
                            senders[number]
                            .send(folder, key.encode(), descriptor, os.fstat(descriptor).st_size, "image/jpeg")
                            .kind
                        )
                    except AwsError as error:
                        if not error.retryable:
                            raise
            finally:
                os.close(descriptor)

        with ThreadPoolExecutor(8) as pool:
            return sorted(pool.map(one, range(8)))

    assert meet(lambda _: "same.jpg", "same.jpg") == [Kind.ALREADY_THERE] * 7 + [Kind.MOVED]
    for number in range(8):
        (tmp_path / "pictures" / f"{number}.jpg").write_bytes(b"picture %d" % number)
    assert meet(lambda number: f"{number}.jpg", "taken.jpg") == [Kind.COLLISION] * 7 + [Kind.MOVED]
    assert {row.version_count for row in sandbox.versions(BUCKET)} == {1}


def test_a_rewritten_file_takes_its_own_place(sandbox: Sandbox, folder: ImagesFolder, tmp_path: Path) -> None:
    """The newest bytes are what the bucket shows; the older version is kept."""
    sender = Sender(store_for(sandbox, tmp_path), "i-0abc")
    kinds = []
    for body in (b"old", b"new", b"new"):
        (tmp_path / "pictures" / "a.jpg").write_bytes(body)
        kinds.append(send(sender, folder, "a.jpg").kind)
    assert kinds == [Kind.MOVED, Kind.REWRITTEN, Kind.ALREADY_THERE]
    assert sandbox.object_bytes(BUCKET, f"{PREFIX}a.jpg") == b"new"
    assert len(sandbox.versions(BUCKET)) == 2
