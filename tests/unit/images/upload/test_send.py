"""Sending one file, in a bucket with S3's rules: what is there decides, and what changes meanwhile does not count."""

from __future__ import annotations

import hashlib
import os
import time
from typing import TYPE_CHECKING

import pytest

from tests.unit.images.upload.stores import HOST, MemoryStore, Uploads
from vawsum_agent.aws.objects import Conflict, PendingUpload
from vawsum_agent.config.model import ImagesFolder
from vawsum_agent.core.errors import Unavailable
from vawsum_agent.images.inspect.picture import Refused
from vawsum_agent.images.upload.content import LARGE_BYTES
from vawsum_agent.images.upload.send import Kind, Sender, Sent, origin_of

if TYPE_CHECKING:
    from pathlib import Path

OLD, NEW = b"old picture", b"new picture, longer"


@pytest.fixture
def uploads(tmp_path: Path) -> Uploads:
    """Make a folder and an empty bucket."""
    return Uploads(tmp_path)


def test_a_new_file_is_put_where_nothing_is(uploads: Uploads) -> None:
    """Its object bears its digest and our origin; what was sent is told."""
    sent = uploads.send_new(NEW)
    head = uploads.store.heads[uploads.key]
    assert sent == Sent(Kind.MOVED, uploads.key, hashlib.sha256(NEW).hexdigest(), head.etag)
    assert (head.sha256, head.origin) == (sent.sha256, origin_of(HOST, uploads.folder.path))
    assert uploads.store.calls == ["put"]


def test_a_file_that_is_there_already_is_done(uploads: Uploads) -> None:
    """After a kill between upload and removal the next scan sends it again: once more the same counts as moved."""
    first, second = (uploads.send_new(NEW) for _ in range(2))
    assert (second.kind, second.etag) == (Kind.ALREADY_THERE, first.etag)


def test_a_file_that_was_rewritten_takes_its_own_place(uploads: Uploads) -> None:
    """Over the object that came from here, named by its ETag."""
    uploads.send_new(OLD)
    assert uploads.send_new(NEW).kind is Kind.REWRITTEN
    assert uploads.store.bodies[uploads.key] == NEW


def test_another_hosts_picture_is_left_alone(uploads: Uploads, tmp_path: Path) -> None:
    """The same name, another picture: nothing is written."""
    Uploads(tmp_path, uploads.store, host="i-0other").send_new(OLD)
    assert uploads.send_new(NEW).kind is Kind.COLLISION
    assert uploads.store.bodies[uploads.key] == OLD


def test_two_hosts_with_the_same_picture_agree(uploads: Uploads, tmp_path: Path) -> None:
    """The same bytes under the same name are there, whoever sent them."""
    Uploads(tmp_path, uploads.store, host="i-0other").send_new(NEW)
    assert uploads.send_new(NEW).kind is Kind.ALREADY_THERE


@pytest.mark.parametrize("count", [1, 2])
def test_a_conflict_passes(uploads: Uploads, count: int) -> None:
    """Another write to the key is under way: asked, and sent again."""
    uploads.store.failures += [Conflict("409", operation="PutObject")] * count
    assert uploads.send_new(NEW).kind is Kind.MOVED


def test_conflicts_without_end_are_told(uploads: Uploads) -> None:
    """After three the caller waits before the next: nothing was written, and it may be tried again."""
    uploads.store.failures += [Conflict("409", operation="PutObject")] * 3
    with pytest.raises(Conflict) as caught:
        uploads.send_new(NEW)
    assert (caught.value.retryable, caught.value.maybe_done) == (True, False)
    assert uploads.store.bodies == {}


def test_what_others_stored_during_the_last_attempt_counts(uploads: Uploads) -> None:
    """Another host stores the very same bytes while we meet conflicts: the last look tells."""
    uploads.store.failures += [Conflict("409", operation="PutObject")] * 3

    def other(_: str) -> None:
        if len(uploads.store.failures) == 1:
            uploads.store.store(uploads.key, NEW, hashlib.sha256(NEW).hexdigest(), "other")

    uploads.store.before_write = other
    assert uploads.send_new(NEW).kind is Kind.ALREADY_THERE


def test_an_object_that_vanishes_is_no_obstacle(uploads: Uploads) -> None:
    """Deleted between the refusal and the next attempt: it is put where nothing is."""
    uploads.send_new(OLD)

    def vanish(if_match: str) -> None:
        if if_match:
            uploads.store.heads.pop(uploads.key, None)

    uploads.store.before_write = vanish
    assert uploads.send_new(NEW).kind is Kind.MOVED


def test_an_answer_that_got_lost_is_found_out(uploads: Uploads) -> None:
    """It was stored, the answer did not come: the error is the caller's, and the next attempt finds it there."""
    uploads.store.failures.append(Unavailable("reset", operation="PutObject"))
    uploads.store.are_late = True
    with pytest.raises(Unavailable):
        uploads.send_new(NEW)
    assert uploads.send_new(NEW).kind is Kind.ALREADY_THERE


@pytest.mark.parametrize("size_bytes", [len(NEW) - 1, len(NEW) + 1])
def test_another_size_than_was_found_is_a_change(uploads: Uploads, size_bytes: int) -> None:
    """The file is not the one that was inspected; nothing is sent."""
    with uploads.opened(NEW) as descriptor:
        assert uploads.send(descriptor, size_bytes=size_bytes).kind is Kind.CHANGED
    assert uploads.store.calls == []


def test_a_change_while_it_is_read_sends_nothing(uploads: Uploads) -> None:
    """Written to between the first byte and the last: what was read may be a mixture."""
    with uploads.opened(OLD) as descriptor:
        sent = uploads.send(descriptor, look=lambda _: uploads.rewrite(OLD[::-1]))
    assert sent == Sent(Kind.CHANGED, uploads.key)
    assert uploads.store.calls == []


def test_a_change_while_it_is_sent_does_not_count(uploads: Uploads) -> None:
    """What was written bears our origin: the next attempt takes its place."""
    with uploads.opened(OLD) as descriptor:
        uploads.store.before_write = lambda _: uploads.rewrite(NEW)
        assert uploads.send(descriptor).kind is Kind.CHANGED
    uploads.store.before_write = lambda _: None
    assert uploads.send_new(NEW).kind is Kind.REWRITTEN
    assert uploads.store.bodies[uploads.key] == NEW


def test_what_was_replaced_meanwhile_writes_over_nothing(uploads: Uploads, tmp_path: Path) -> None:
    """The newer file of that name was moved by another process: the old one, still open here, must not undo that."""
    other = Uploads(tmp_path, uploads.store)
    is_new_moved: list[bool] = []

    def move_the_new_one(_: str) -> None:
        if not is_new_moved:
            is_new_moved.append(True)
            time.sleep(0.02)  # ctime moves in steps of some milliseconds
            other.send_new(NEW)

    with uploads.opened(OLD) as descriptor:
        uploads.store.before_write = move_the_new_one
        assert uploads.send(descriptor).kind is Kind.CHANGED
    assert uploads.store.bodies[uploads.key] == NEW


def test_who_looks_may_refuse(uploads: Uploads) -> None:
    """What is raised at a block is passed on before anything is sent."""

    def refuse(block: bytes) -> None:
        assert block == NEW
        raise LookupError

    with uploads.opened(NEW) as descriptor, pytest.raises(LookupError):
        uploads.send(descriptor, look=refuse)
    assert uploads.store.calls == []


def test_a_file_that_cannot_be_read_is_refused(uploads: Uploads) -> None:
    """A disk that fails on one file holds up no other."""
    with uploads.opened(NEW):
        descriptor = os.open(uploads.path, os.O_PATH)
        try:
            with pytest.raises(Refused):
                uploads.send(descriptor)
        finally:
            os.close(descriptor)


def test_a_large_file_goes_in_parts_and_is_asked_for_first(uploads: Uploads) -> None:
    """It is told of as it goes; when it is there already it is not sent again to learn that."""
    body, told = b"x" * (LARGE_BYTES + 1), []
    with uploads.opened(body) as descriptor:
        assert uploads.send(descriptor, on_progress=lambda: told.append(1)).kind is Kind.MOVED
        assert uploads.send(descriptor).kind is Kind.ALREADY_THERE
    assert told == [1]
    assert uploads.store.calls == ["head", "put", "head"]


def test_a_large_file_that_changes_does_not_count(uploads: Uploads) -> None:
    """It is read a second time when it is sent, and is another one then."""
    body = b"x" * (LARGE_BYTES + 1)
    with uploads.opened(body) as descriptor:
        uploads.store.before_write = lambda _: uploads.rewrite(b"y" * len(body))
        assert uploads.send(descriptor).kind is Kind.CHANGED


def test_origins_tell_hosts_and_folders_apart() -> None:
    """The same for as long as both are; nothing of either can be read from it."""
    assert origin_of(HOST, "/srv/a") == origin_of(HOST, "/srv/a")
    assert len({origin_of(host, folder) for host in (HOST, "i-1") for folder in ("/srv/a", "/srv/b")}) == 4
    assert HOST not in origin_of(HOST, "/srv/a")


@pytest.mark.parametrize(("prefix", "left"), [("uploads/", ["other/b.jpg"]), ("", ["uploads/a.jpg", "other/b.jpg"])])
def test_what_was_cut_off_is_thrown_away(prefix: str, left: list[str]) -> None:
    """Only below our own prefix: without one it may be anybody's."""
    store = MemoryStore()
    store.unfinished = [PendingUpload(key, "1", 0.0) for key in ("uploads/a.jpg", "other/b.jpg")]
    folder = ImagesFolder(name="app", path="/uploads", bucket="vawsum-images", prefix=prefix)
    assert Sender(store, "i-0abc").abort_abandoned(folder) == 2 - len(left)
    assert [upload.key for upload in store.unfinished] == left
