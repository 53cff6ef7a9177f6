"""The steps back, where a release can't be taken back, or PHP goes on serving it."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.unit.deploy.test_steps import NEW, OLD, Stage
from vawsum_agent.cli.deploy_result import lines
from vawsum_agent.config.model.values import Seconds
from vawsum_agent.core.errors import DeployError
from vawsum_agent.deploy.machine import End, Step
from vawsum_agent.deploy.record import Line, decoded
from vawsum_agent.deploy.steps.serving import Serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """A host that serves the old release, not well, and is to serve the new one."""
    return Stage(tmp_path)


def test_what_can_not_be_switched_back(stage: Stage) -> None:
    """What `current` points to then is looked up and remembered: the notes can't tell whether a switch happened."""
    stage.folder.release(NEW).mkdir()
    stage.do(Step.RECORD, Step.DRAIN, Step.SWITCH)
    stage.folder.path.chmod(0o777)
    with pytest.raises(DeployError):
        stage.do(Step.SWITCH_BACK)
    stage.folder.path.chmod(0o755)
    for step in (Step.SWITCH, Step.SWITCH_BACK):
        stage.record.lines += [Line(step=step, phase="begun", at=0.0), Line(step=step, phase="failed", at=0.0)]
    stage.record.end = End.STUCK
    told = lines(decoded(msgspec.json.encode(stage.record)))
    assert f"  current points to: {NEW}" in told


@pytest.mark.parametrize("serves", [OLD, NEW, ""])
def test_ill_before_and_ill_again(stage: Stage, serves: str) -> None:
    """Being unwell is excused, and so is a PHP that is away; serving the release that was taken back is not."""
    stage.do(Step.RECORD)
    root = stage.folder.releases.resolve() / serves / "public"
    proof = msgspec.json.encode({"path": str(root), "pid": 7}) if serves else None
    with answering(proof) as url:
        app = msgspec.structs.replace(
            stage.here.app, health_url=f"{url}/healthz", proof_url=f"{url}/proof", health_timeout=Seconds(3.0)
        )
        serving = Serving(replace(stage.here, app=app))
        if serves == NEW:
            with pytest.raises(DeployError, match=f"{OLD} is not what PHP serves.*it serves {NEW}"):
                serving.prove_back()
        else:
            assert serving.prove_back().startswith("not well, as before the deploy")


@contextmanager
def answering(proof: bytes | None) -> Iterator[str]:
    """Run a server that is unwell, and where there is a proof gives it; give its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = proof if self.path == "/proof" else None
            self.send_response(500 if body is None else 200)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
