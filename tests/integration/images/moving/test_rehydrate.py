"""`images rehydrate`: pictures come back, whole, and over nothing."""

from __future__ import annotations

import hashlib
import json
import os
import pwd
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.images.moving.running import BUCKET, OWNER, PREFIX, QUARANTINE, MovingAgent, Uploads, picture

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox import Sandbox

PICTURES = 40


@pytest.fixture
def ground(sandbox: Sandbox) -> Iterator[tuple[MovingAgent, Uploads]]:
    """A folder that its owner can reach without the daemon's capability, whose pictures have moved."""
    with tempfile.TemporaryDirectory(prefix="vawsum-moving-") as made:
        folder = Path(made)
        folder.chmod(0o755)
        uploads = Uploads(folder / "uploads")
        agent = MovingAgent(folder / "agent", sandbox)
        agent.configure(uploads)
        for number in range(PICTURES):
            uploads.put(f"2026/{number % 4}/{number}.jpg")
        uploads.put("top ä%+.jpg")
        for name, content in uploads.written.items():
            digest = hashlib.sha256(content).hexdigest()
            sandbox.put_object(BUCKET, PREFIX + name, content, metadata={"vawsum-sha256": digest})
            (uploads.path / name).unlink()
        yield agent, uploads


def brought(agent: MovingAgent, *arguments: str | Path) -> tuple[int, dict[str, Any]]:
    """Bring back as whoever runs the tests, which may be root; exit code and what it says."""
    code, text = agent.command("images", "rehydrate", "--json", *map(str, arguments))
    document: dict[str, Any] = json.loads(text) if text else {}
    return code, document


def test_one_and_all(ground: tuple[MovingAgent, Uploads]) -> None:
    """A picture, a folder, everything: as it was, the owner's, and again changes nothing. It can move once more."""
    agent, uploads = ground
    one = "2026/1/1.jpg"
    code, dry = brought(agent, "--dry-run", uploads.path / one)
    assert (code, dry["found_count"], dry["brought_back_count"]) == (0, 1, 0)
    assert uploads.local() == {}
    code, row = brought(agent, uploads.path / one)
    assert (code, row["brought_back_count"], row["already_here_count"]) == (0, 1, 0)
    assert uploads.local() == {one: uploads.written[one]}
    found = (uploads.path / one).stat()
    assert found.st_uid == pwd.getpwnam(OWNER).pw_uid
    code, row = brought(agent, f"{uploads.path}/2026/../2026/1/")
    assert (code, row["brought_back_count"], row["already_here_count"]) == (0, PICTURES // 4 - 1, 1)
    done = agent.run("images", "rehydrate", str(uploads.path))
    assert done.returncode == 0
    assert uploads.local() == uploads.written
    code, row = brought(agent, uploads.path)
    assert (code, row["brought_back_count"], row["already_here_count"]) == (0, 0, PICTURES + 1)
    time.sleep(1.1)
    assert agent.run("images", "move").returncode == 0
    assert uploads.local() == {}


def test_what_is_here_stays(ground: tuple[MovingAgent, Uploads]) -> None:
    """A newer picture, a folder or a link of that name is left as it is."""
    agent, uploads = ground
    newer = uploads.put("2026/1/1.jpg")
    (uploads.path / "2026/1/5.jpg").mkdir()
    (uploads.path / "2026/1/9.jpg").symlink_to("/etc/passwd")
    code, row = brought(agent, uploads.path / "2026/1")
    assert (code, row["already_here_count"], row["brought_back_count"]) == (0, 3, PICTURES // 4 - 3)
    assert (uploads.path / "2026/1/1.jpg").read_bytes() == newer
    assert (uploads.path / "2026/1/9.jpg").is_symlink()


def test_links_are_not_followed(ground: tuple[MovingAgent, Uploads], tmp_path: Path) -> None:
    """Where a subfolder has become a link to elsewhere nothing is written there."""
    agent, uploads = ground
    (uploads.path / "2026/1").rmdir()
    tmp_path.chmod(0o777)
    (uploads.path / "2026/1").symlink_to(tmp_path)
    code, row = brought(agent, uploads.path / "2026/1/1.jpg")
    assert code == 1
    assert "is in the way" in row["errors"][0]
    assert list(tmp_path.iterdir()) == []


def test_not_whole(ground: tuple[MovingAgent, Uploads], sandbox: Sandbox) -> None:
    """An object with other bytes than were put there, and one that nobody vouches for, do not come back; others do."""
    agent, uploads = ground
    right = hashlib.sha256(b"right").hexdigest()
    sandbox.put_object(BUCKET, f"{PREFIX}2026/1/1.jpg", picture("wrong"), metadata={"vawsum-sha256": right})
    sandbox.put_object(BUCKET, f"{PREFIX}2026/1/5.jpg", picture("theirs"))
    code, row = brought(agent, uploads.path / "2026/1")
    assert (code, row["brought_back_count"]) == (1, PICTURES // 4 - 2)
    said = sorted(row["errors"])
    assert "is not what was put there" in said[0]
    assert "bears no vawsum-sha256" in said[1]
    assert not (uploads.path / "2026/1/1.jpg").exists()
    assert not (uploads.path / "2026/1/5.jpg").exists()
    assert {path.name for path in (uploads.path / "2026/1").iterdir()} == {
        f"{number}.jpg" for number in range(9, PICTURES, 4)
    }


def test_cut_off(ground: tuple[MovingAgent, Uploads], sandbox: Sandbox) -> None:
    """When the connection breaks in the middle of a picture nothing of it is here, and the next call brings it."""
    agent, uploads = ground
    sandbox.fault("cut", operation="s3:GetObject", count=1)
    code, row = brought(agent, uploads.path / "2026/1/1.jpg")
    assert (code, len(row["errors"])) == (1, 1)
    assert uploads.local() == {}
    assert brought(agent, uploads.path / "2026/1/1.jpg")[0] == 0
    assert list(uploads.local()) == ["2026/1/1.jpg"]


NONE_OF_OURS = {
    "/etc/passwd": "lies in no configured folder",
    "{folder}/../agent/agent.toml": "lies in no configured folder",
    "{folder}2/a.jpg": "lies in no configured folder",
    "{folder}/no\x1b[31m.jpg": "nothing is in s3://vawsum-images for no\\x1b[31m.jpg",
    "{folder}/new\nline.jpg": "nothing is in s3://vawsum-images for new\\nline.jpg",
    "{folder}/\udcff.jpg": "nothing is in s3://vawsum-images for \\udcff.jpg",
    "{folder}/" + "x" * 1100: "nothing is in s3://vawsum-images for xxx",
    "{folder}/" + QUARANTINE + "/fa.jpg": "nothing is in s3://vawsum-images for .vawsum-quarantine/fa.jpg",
}


def test_what_can_be_no_picture_of_ours(ground: tuple[MovingAgent, Uploads], sandbox: Sandbox) -> None:
    """Paths outside, and names that no picture has: one line that says so, and nothing is written."""
    agent, uploads = ground
    sandbox.put_object(BUCKET, f"{PREFIX}{QUARANTINE}/fa.jpg", picture("planted"))
    for path, said in NONE_OF_OURS.items():
        done = agent.run("images", "rehydrate", path.replace("{folder}", str(uploads.path)))
        assert done.returncode == 64, done.stderr
        assert said in done.stderr
        assert done.stderr.count("\n") == 1
        assert "\x1b" not in done.stderr
        assert uploads.local() == {}


def test_hostile_keys(ground: tuple[MovingAgent, Uploads], sandbox: Sandbox) -> None:
    """Keys that would lead out of the folder, or into the quarantine, are passed over; nothing of them is written."""
    agent, uploads = ground
    for key in (
        "../evil.jpg",
        "a/../../evil.jpg",
        "/etc/evil.jpg",
        "a//evil.jpg",
        f"{QUARANTINE}/fevil.jpg",
        "./evil.jpg",
    ):
        body = picture(key)
        digest = hashlib.sha256(body).hexdigest()
        sandbox.put_object(BUCKET, PREFIX + key, body, metadata={"vawsum-sha256": digest})
    code, row = brought(agent, uploads.path)
    assert (code, row["brought_back_count"]) == (0, PICTURES + 1)
    assert uploads.local() == uploads.written
    assert not list(uploads.path.parent.rglob("*evil*"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can take the owner's rights away")
def test_owner_may_not_write(ground: tuple[MovingAgent, Uploads]) -> None:
    """Root brings back with the owner's rights: where the owner may not write, it says so."""
    agent, uploads = ground
    os.chown(uploads.path / "2026/1", 0, 0)
    code, row = brought(agent, uploads.path / "2026/1/1.jpg")
    assert code == 1
    assert "Permission denied" in row["errors"][0]
    assert uploads.local() == {}
