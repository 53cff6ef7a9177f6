"""People are told of a script among the pictures, in the daemon's own time: minutes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.alerts.incidents import TOPIC, labels

if TYPE_CHECKING:
    from sandbox import Sandbox
    from tests.integration.images.moving.running import MovingAgent, Uploads

SCRIPT = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00<?php system($_GET['c']); ?>"


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_php_code_is_notified(agent: MovingAgent, uploads: Uploads, sandbox: Sandbox) -> None:
    """PHP code where an image should be: degraded, and a notification that names the file; another one when somebody
    has taken it away. Everything else moves all the while.
    """  # noqa: D205 - one sentence
    sandbox.enforce(None)
    agent.configure(uploads, further=f'[notify]\nsns_topic_arn = "{TOPIC}"')
    uploads.put("2026/shell.jpg", SCRIPT, counts=False)
    agent.start_and_wait()
    agent.wait_until(lambda: labels(sandbox) == ["DEGRADED"], "an alert", 150)
    assert "2026/shell.jpg" in sandbox.notifications()[0].message
    uploads.put("2026/cat.jpg")
    agent.wait_moved(uploads)
    (uploads.path / "2026/shell.jpg").unlink()
    agent.wait_until(lambda: labels(sandbox) == ["DEGRADED", "RECOVERED"], "a recovery", 300)
