"""Pictures move to the bucket, whole, and nothing is ever neither here nor there."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from tests.integration.images.moving.running import BUCKET, PREFIX, assert_stored, picture

if TYPE_CHECKING:
    from sandbox import Sandbox
    from tests.integration.images.moving.running import MovingAgent, Uploads


def test_pictures_move(agent: MovingAgent, uploads: Uploads, sandbox: Sandbox) -> None:
    """What is uploaded is in the bucket a moment later, as it was, and gone from the disk; empty folders stay."""
    for number in range(60):
        uploads.put(f"2026/{number % 3}/bild {number} ä%.jpg")
    agent.start_and_wait()
    agent.wait_moved(uploads)
    late = "2026/late.jpg"
    uploads.put(late)
    agent.wait_moved(uploads, [late])
    assert uploads.local() == {}
    assert (uploads.path / "2026/0").is_dir()
    agent.wait_until(lambda: agent.folder()["moved_count"] == 61, "all are counted")
    assert agent.folder()["due_count"] == 0
    (stored,) = [item for item in sandbox.objects(BUCKET) if item.key == PREFIX + late]
    assert stored.content_type == "image/jpeg"
    assert stored.cache_control == "public, max-age=86400"
    assert sandbox.violations() == []


def test_copies_only(agent: MovingAgent, uploads: Uploads, sandbox: Sandbox) -> None:
    """With delete_local = false everything is in both places, and is sent once."""
    agent.configure(uploads, delete_local=False)
    for number in range(20):
        uploads.put(f"{number}.jpg")
    agent.start_and_wait()
    agent.wait_until(lambda: agent.folder()["copied_count"] == 20, "all are copied")
    assert_stored(sandbox, uploads.written)
    scanned_at = agent.folder()["scanned_at"]
    agent.wait_until(lambda: agent.folder()["scanned_at"] > scanned_at, "another scan")
    assert agent.stop() == 0
    agent.start_and_wait()
    agent.wait_until(lambda: agent.folder()["here_and_copied_count"] == 20, "they are known")
    assert uploads.local() == uploads.written
    assert sandbox.requests()["operations"]["PutObject"] == {"ok": 20}


def test_rewritten_after_it_moved(agent: MovingAgent, uploads: Uploads, sandbox: Sandbox) -> None:
    """A picture that is uploaded again under its name takes the place of its own object."""
    uploads.put("a.jpg")
    agent.start_and_wait()
    agent.wait_moved(uploads)
    uploads.put("a.jpg")
    agent.wait_moved(uploads)
    agent.wait_until(lambda: agent.folder()["rewritten_count"] == 1, "it is counted")
    (stored,) = sandbox.objects(BUCKET)
    assert stored.version_count == 2


def test_two_hosts_one_name(agent: MovingAgent, uploads: Uploads, sandbox: Sandbox) -> None:
    """When two hosts have different pictures of one name, then both survive, and it is said."""
    theirs = picture("theirs")
    sandbox.put_object(BUCKET, PREFIX + "a.jpg", theirs)
    ours = uploads.put("a.jpg")
    same = uploads.put("b.jpg")
    sandbox.put_object(BUCKET, PREFIX + "b.jpg", same, metadata={"vawsum-sha256": hashlib.sha256(same).hexdigest()})
    agent.start_and_wait()
    agent.wait_until(lambda: agent.folder()["refused"].get("collision"), "the collision is counted")
    agent.wait_until(lambda: agent.folder()["due_count"] == 0, "nothing is left")
    assert uploads.local()["a.jpg"] == ours
    assert sandbox.object_bytes(BUCKET, PREFIX + "a.jpg") == theirs
    assert agent.folder()["examples"]["collision"] == ["a.jpg"]
    assert not (uploads.path / "b.jpg").exists()
