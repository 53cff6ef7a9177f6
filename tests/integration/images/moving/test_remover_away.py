"""Nobody there who may remove."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.integration.images.moving.running import Uploads, assert_stored

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox import Sandbox
    from tests.integration.images.moving.running import MovingAgent

SAID_WITHIN_S = 30.0
"""The tolerance is ten."""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make files of two owners, and a daemon of a third user")
def test_remover_away(agent: MovingAgent, sandbox: Sandbox, tmp_path: Path) -> None:
    """The owner is another user whose helper does not answer: files stay, backlog, cause and hint in `status`; pictures
    are not uploaded again and again.
    """  # noqa: D205 - the row as it stands in the table
    theirs = Uploads(tmp_path / "site" / "theirs")
    for number in range(10):
        theirs.put(f"{number}.jpg")
    for path in [theirs.path, *theirs.path.iterdir()]:
        os.chown(path, 2, 2)
    agent.configure_all({"theirs": (theirs, {"owner": "bin"})})
    agent.start_and_wait()
    agent.wait_until(lambda: agent.images()["state"] == "degraded", "it says so", SAID_WITHIN_S)
    status = agent.images()
    assert status["backlog_count"] == 10
    assert "no helper removes files of bin" in status["last_error"]
    assert status["hint"] == "systemctl enable --now vawsum-agent-owner@bin.socket"
    assert set(theirs.local()) == set(theirs.written)
    assert "PutObject" not in sandbox.requests()["operations"]
    code, text = agent.command("status")
    assert (code, "vawsum-agent-owner@bin.socket" in text) == (1, True), text
    assert agent.run("drain").returncode == 0
    assert_stored(sandbox, theirs.written, "theirs/")
    assert set(theirs.local()) == set(theirs.written)
