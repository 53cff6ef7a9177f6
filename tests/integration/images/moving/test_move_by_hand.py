"""`images plan` and `images move`, by somebody who watches."""

from __future__ import annotations

import json
import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.images.moving.running import (
    BUCKET,
    MovingAgent,
    Uploads,
    assert_stored,
    picture,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox import Sandbox

PICTURES = 150
SCRIPT = b"<?php system($_GET['c']); ?>"


def fill(uploads: Uploads) -> None:
    """Pictures, and what is left alone, with names that are no good for a terminal."""
    for number in range(PICTURES):
        uploads.put(f"{number % 3}/{number}.jpg")
    uploads.put("large.jpg", picture("large", 300_000))
    uploads.put("esc\x1b[31m.txt", b"text", counts=False)
    uploads.put("bidi\u202egpj.jpg", SCRIPT, counts=False)
    uploads.put("new\nline.jpg", counts=False)
    time.sleep(1.1)  # older than min_age


def expect_row(row: dict[str, Any]) -> None:
    """What is left alone is named, and nothing of the names reaches a terminal."""
    assert {reason: found["count"] for reason, found in row["left_alone"].items()} == {
        "other-extension": 1,
        "name-with-control-characters": 1,
        "php-code": 1,
    }
    assert row["left_alone"]["php-code"]["examples"] == ["bidi\\u202egpj.jpg"]


def test_plan_and_move(agent: MovingAgent, uploads: Uploads, sandbox: Sandbox) -> None:
    """The plan says what the move then does, to the byte; called again there is nothing left to do."""
    fill(uploads)
    planned = agent.run("images", "plan", "--json")
    (row,) = json.loads(planned.stdout)["folders"]
    total = sum(map(len, uploads.written.values()))
    assert (row["count"], row["bytes"]) == (len(uploads.written), total)
    assert row["largest"] == {"path": "large.jpg", "bytes": 300_000}
    expect_row(row)
    dry = agent.run("images", "move", "--dry-run", "--json")
    assert json.loads(dry.stdout) == json.loads(planned.stdout)
    assert "PutObject" not in sandbox.requests()["operations"]

    moved = agent.run("images", "move", "--jobs", "4", "--json")
    (row,) = json.loads(moved.stdout)["folders"]
    assert (moved.returncode, row["moved_count"], row["moved_bytes"]) == (0, len(uploads.written), total)
    assert (row["found_count"], row["left_count"]) == (len(uploads.written) + 1, 0)  # the script is found to be one
    expect_row(row)
    assert_stored(sandbox, uploads.written)
    assert len(uploads.local()) == 3
    assert sandbox.requests()["most_at_once"][f"s3:{BUCKET}"] <= 4
    again = agent.run("images", "move")
    assert again.returncode == 0
    assert "moved        0 files" in again.stdout
    assert not set(again.stdout + again.stderr + moved.stderr) & set("\x1b\u202e\r")


def test_beside_the_daemon(agent: MovingAgent, uploads: Uploads, sandbox: Sandbox) -> None:
    """Both move the same folder at once: each picture is in the bucket once, none is in anybody's way."""
    sandbox.fault("latency", operation="s3:PutObject", latency_s=0.02)
    fill(uploads)
    agent.start()
    moved = agent.run("images", "move", "--json")
    assert moved.returncode == 0, moved.stdout + moved.stderr
    agent.wait_moved(uploads)
    assert all(item.version_count == 1 for item in sandbox.objects(BUCKET))


def test_bandwidth(agent: MovingAgent, uploads: Uploads) -> None:
    """What is sent a second is no more than was allowed."""
    for number in range(20):
        uploads.put(f"{number}.jpg", picture(f"{number}", 50_000))
    time.sleep(1.1)
    begun = time.monotonic()
    assert agent.run("images", "move", "--bandwidth", "400KiB", "--jobs", "8").returncode == 0
    assert time.monotonic() - begun >= 19 * 50_000 / (400 << 10)
    assert uploads.local() == {}


@pytest.fixture
def open_ground(sandbox: Sandbox) -> Iterator[tuple[MovingAgent, Uploads]]:
    """A folder that its owner can reach without the daemon's capability."""
    with tempfile.TemporaryDirectory(prefix="vawsum-moving-") as made:
        folder = Path(made)
        folder.chmod(0o755)
        uploads = Uploads(folder / "uploads")
        agent = MovingAgent(folder / "agent", sandbox)
        agent.configure(uploads)
        yield agent, uploads


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be root")
def test_as_root(open_ground: tuple[MovingAgent, Uploads], sandbox: Sandbox) -> None:
    """Root works with the owner's rights: files of others stay, and what the owner may not write is said."""
    agent, uploads = open_ground
    fill(uploads)
    (uploads.path / "theirs.jpg").write_bytes(picture("theirs"))
    locked = uploads.path / "2"
    os.chown(locked, 0, 0)
    in_locked = {name for name in uploads.written if name.startswith("2/")}
    code, text = agent.command("images", "move", "--json")
    (row,) = json.loads(text)["folders"]
    assert (code, row["moved_count"]) == (0, len(uploads.written) - len(in_locked))
    assert row["left_alone"]["other-owner"]["count"] == 1
    assert row["left_alone"]["not-removable"]["count"] == len(in_locked)
    assert_stored(sandbox, uploads.written)
    assert set(uploads.local()) >= in_locked | {"theirs.jpg"}
    assert agent.command("images", "plan")[0] == 0
