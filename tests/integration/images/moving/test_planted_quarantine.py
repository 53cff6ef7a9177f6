"""Something else stands where files are put while they are removed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.integration.images.moving.running import QUARANTINE, Uploads, assert_stored, own

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox import Sandbox
    from tests.integration.images.moving.running import MovingAgent

SAID_WITHIN_S = 30.0
MOVES_WITHIN_S = 60.0


def test_planted_quarantine(agent: MovingAgent, sandbox: Sandbox, tmp_path: Path) -> None:
    """`.vawsum-quarantine` planted as a link, as a file, or with something in it: nothing is removed, uploaded again
    and again, or written elsewhere; it is said with a hint, and goes on when somebody has moved it away.
    """  # noqa: D205 - the row as it stands in the table
    outside = tmp_path / "outside"
    outside.mkdir()
    own(outside)
    made = {name: Uploads(tmp_path / "site" / name) for name in ("link", "file", "filled")}
    (made["link"].path / QUARANTINE).symlink_to(outside)
    (made["file"].path / QUARANTINE).write_bytes(b"")
    (made["filled"].path / QUARANTINE).mkdir(mode=0o700)
    (made["filled"].path / QUARANTINE / "strange").write_bytes(b"")
    own(made["filled"].path / QUARANTINE)
    for uploads in made.values():
        for number in range(5):
            uploads.put(f"{number}.jpg")
    agent.configure_all({name: (uploads, {}) for name, uploads in made.items()})
    agent.start_and_wait()
    agent.wait_until(
        lambda: all(QUARANTINE in (agent.folder(name)["last_error"] or "") for name in made),
        "each says so",
        SAID_WITHIN_S,
    )
    for name, uploads in made.items():
        assert "look at it and move it away" in agent.folder(name)["hint"]
        assert agent.folder(name)["due_count"] == 5
        assert all((uploads.path / file).exists() for file in uploads.written)
    assert list(outside.iterdir()) == []
    assert "PutObject" not in sandbox.requests()["operations"]
    for uploads in made.values():
        (uploads.path / QUARANTINE).rename(tmp_path / f"away-{uploads.path.name}")
    agent.wait_until(lambda: not any(uploads.local() for uploads in made.values()), "all move", MOVES_WITHIN_S)
    agent.wait_until(lambda: agent.images()["state"] == "running", "it is well by itself")
    for name, uploads in made.items():
        assert_stored(sandbox, uploads.written, f"{name}/")
