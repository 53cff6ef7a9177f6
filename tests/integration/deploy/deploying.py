"""A web host that is deployed to: the command line beside real Apache and PHP-FPM, target groups and a bucket."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
import tarfile
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandbox.host.fleet import FIRST_RELEASE, PAGES
from vawsum_agent.core.clock import SystemClock
from vawsum_agent.deploy.journal import Journal
from vawsum_agent.deploy.layout import AppFolder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sandbox import Sandbox
    from sandbox.host.fleet import FleetHost
    from vawsum_agent.deploy.record import Record

AGENT = Path(sys.executable).with_name("vawsum-agent")
BUCKET = "vawsum-artifacts"
FIRST, SECOND, THIRD = FIRST_RELEASE, "20260202T000000Z-2222222", "20260303T000000Z-3333333"
LIMIT_S = 90.0


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    error: str

    @property
    def document(self) -> dict[str, Any]:
        """What `--json` printed."""
        printed: dict[str, Any] = json.loads(self.out)
        return printed


def artifact(pages: Mapping[str, str]) -> bytes:
    """Pack files as `release publish` does."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, text in sorted(pages.items()):
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            member.mode = 0o644
            archive.addfile(member, io.BytesIO(text.encode()))
    return packed.getvalue()


def publish(sandbox: Sandbox, release: str, pages: Mapping[str, str] = PAGES) -> None:
    """Put a release where hosts fetch it."""
    body = artifact(pages)
    digest = hashlib.sha256(body).hexdigest()
    sandbox.put_object(BUCKET, f"web/{release}.tar.gz", body)
    sandbox.put_object(BUCKET, f"web/{release}.sha256", f"{digest}  {release}.tar.gz\n".encode())


class DeployHost:
    """One of them.

    Args:
        sandbox: with the bucket.
        host: its servers.
        more: lines for ``[[deploy.app]]``.
    """

    def __init__(self, sandbox: Sandbox, host: FleetHost, more: str = "") -> None:
        self.sandbox = sandbox
        self.host = host
        self.folder = AppFolder(host.app)
        self.journal = Journal(self.folder, SystemClock())
        self.config = host.directory / "agent.toml"
        self.configure(more)

    def configure(self, more: str = "", top: str = "") -> None:
        """Write the configuration."""
        self.config.write_text(
            f'[agent]\nrole = "web"\ninstance_id = "{self.host.instance_id}"\n'
            f'state_dir = "{self.host.directory}/state"\nruntime_dir = "{self.host.directory}/run"\n{top}\n'
            f'[[deploy.app]]\nname = "web"\npath = "{self.host.app}"\nartifacts = "s3://{BUCKET}/web/"\n'
            f'health_url = "{self.host.url}/healthz"\nhealth_timeout = "4s"\ndrain_timeout = "20s"\n'
            f"reload = {json.dumps(self.host.reload)}\n{more}\n"
        )

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Start a command."""
        return subprocess.Popen(
            [AGENT, *arguments],
            env=self.host.environment() | {"VAWSUM_AGENT_CONFIG": str(self.config)} | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, **environment: str) -> Ended:
        """Run a command to its end."""
        with self.start(*arguments, **environment) as process:
            out, error = process.communicate(timeout=LIMIT_S)
        return Ended(process.returncode, out, error)

    def deploy(self, release: str, **environment: str) -> Ended:
        """Deploy a release."""
        return self.run("deploy", "start", "--app", "web", "--release", release, "--json", **environment)

    def answer(self) -> str:
        """What PHP answers on this host."""
        with urllib.request.urlopen(f"{self.host.url}/index.php", timeout=10) as reply:  # noqa: S310 - our own server
            text: str = reply.read().decode()
        return text

    def records(self) -> list[Record]:
        """What the journal tells."""
        return self.journal.records()

    def serves(self) -> str | None:
        """Which release `current` points to."""
        return self.folder.current_release()


def wait_until(holds: Callable[[], object], what: str, limit_s: float = LIMIT_S) -> None:
    """Wait for something that another process does."""
    ends_at = time.monotonic() + limit_s
    while not holds():
        assert time.monotonic() < ends_at, what
        time.sleep(0.02)
