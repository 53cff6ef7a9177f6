"""A web host to deploy to, as small as one can be: a folder, a configuration, and a page that is always well."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from sandbox.demo.agent import BINARY
from tests.bench.daemon import BenchError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

BUCKET = "vawsum-artifacts"
PREFIX = "web/"
_LAST_WORDS_BYTES = 2000
_OLD = "20260101T000000Z-0000000"


class _Well(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def well() -> Iterator[int]:
    """Serve the page; gives its port."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Well) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


@dataclass(frozen=True, slots=True)
class Ran:
    """A command that ended well."""

    wall_s: float
    document: dict[str, Any]

    def step_s(self, step: str) -> float:
        """How long a step of a deploy took, in seconds."""
        rows = [row for row in self.document["steps"] if row["step"] == step]
        at = {row["phase"]: datetime.fromisoformat(row["at"]) for row in rows}
        return (at["done"] - at["begun"]).total_seconds()


class WebHost:
    """One with a release that was put there by hand.

    Args:
        directory: its own; made.
        environment: of the agent.
        port: of the page.
        more: lines for ``[[deploy.app]]``.
    """

    def __init__(self, directory: Path, environment: Mapping[str, str], port: int, more: str) -> None:
        self._environment = environment
        self._config = directory / "agent.toml"
        app = directory / "app"
        (app / "releases" / _OLD).mkdir(parents=True)
        (app / "current").symlink_to(f"releases/{_OLD}")
        self._config.write_text(
            f'[agent]\ninstance_id = "i-bench"\nregion = "ap-south-1"\n'
            f'state_dir = "{directory}/state"\nruntime_dir = "{directory}/run"\n'
            f'[[deploy.app]]\nname = "web"\npath = "{app}"\nartifacts = "s3://{BUCKET}/{PREFIX}"\n'
            f'health_url = "http://127.0.0.1:{port}/"\nreload = ["true"]\n{more}\n'
        )

    def deploy(self, release: str) -> Ran:
        """Deploy a release. Raises BenchError."""
        return self._ran("deploy", "start", "--app", "web", "--release", release)

    def publish(self, folder: Path) -> Ran:
        """Publish a folder, as a build host does. Raises BenchError."""
        return self._ran("release", "publish", "--app", "web", "--from", str(folder))

    def _ran(self, *arguments: str) -> Ran:
        command = [str(BINARY), *arguments, "--json", "--config", str(self._config)]
        began = time.perf_counter()
        done = subprocess.run(command, env=self._environment, capture_output=True, text=True, check=False)
        wall_s = time.perf_counter() - began
        if done.returncode:
            said = f"{done.stdout}\n{done.stderr}"[-_LAST_WORDS_BYTES:]
            message = f"vawsum-agent {' '.join(arguments)} ended with {done.returncode}; it said:\n{said}"
            raise BenchError(message)
        return Ran(wall_s, json.loads(done.stdout))
