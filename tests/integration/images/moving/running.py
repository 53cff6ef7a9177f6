"""The real daemon moving pictures out of a real folder into the sandbox's S3."""

from __future__ import annotations

import getpass
import hashlib
import json
import os
import shutil
import subprocess
import time
from typing import TYPE_CHECKING, Any

from sandbox.demo.agent import BINARY, Agent, as_user

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from sandbox import Sandbox

BUCKET = "vawsum-images"
PREFIX = "uploads/"
OWNER = "www-data" if os.geteuid() == 0 else getpass.getuser()
JPEG_HEAD = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00"
QUARANTINE = ".vawsum-quarantine"


def picture(key: str, size_bytes: int = 2_000) -> bytes:
    """A picture unlike any other; what is in it does not look like code."""
    noise = hashlib.shake_128(key.encode()).digest(size_bytes - len(JPEG_HEAD))
    return JPEG_HEAD + noise.replace(b"<?", b"..")


class Uploads:
    """A folder of uploads that belongs to the owner, and what was put there."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.written: dict[str, bytes] = {}
        path.mkdir(parents=True)
        own(path)

    def put(self, name: str, content: bytes | None = None, *, counts: bool = True) -> bytes:
        """Upload a picture as PHP does: written beside, and moved to its name."""
        content = picture(f"{name} {time.monotonic_ns()}") if content is None else content
        file = self.path / name
        for folder in reversed([folder for folder in file.parents if self.path in folder.parents]):
            folder.mkdir(exist_ok=True)
            own(folder)
        temporary = file.with_name(".upload.tmp")
        temporary.write_bytes(content)
        own(temporary)
        temporary.rename(file)
        if counts:
            self.written[name] = content
        return content

    def local(self) -> dict[str, bytes]:
        """What lies in the folder, the quarantine included."""
        found = {}
        for folder, _, names in os.walk(self.path):
            for name in names:
                file = os.path.join(folder, name)  # noqa: PTH118 - as walk gives it
                with open(file, "rb") as opened:  # noqa: PTH123
                    found[os.path.relpath(file, self.path)] = opened.read()
        return found


def own(path: Path) -> None:
    """Give it to the owner."""
    if os.geteuid() == 0:
        shutil.chown(path, OWNER, OWNER)


class MovingAgent(Agent):
    """The daemon with the images capability, and what a test asks of it."""

    def __init__(self, directory: Path, sandbox: Sandbox) -> None:
        super().__init__(directory, sandbox.environment(), OWNER)
        self.sandbox = sandbox

    def configure(self, uploads: Uploads, drain_timeout: str = "10s", images: str = "", **settings: object) -> None:
        """Write `agent.toml` for one folder: looked at every second, moving after one."""
        table: dict[str, object] = {
            "name": "app",
            "path": str(uploads.path),
            "bucket": BUCKET,
            "prefix": PREFIX,
            "min_age": "1s",
            "public_url": "http://images.test/uploads/",
            "owner": OWNER,
        } | settings
        agent: dict[str, object] = {
            "instance_id": "i-test",
            "state_dir": str(self.state_dir),
            "runtime_dir": str(self.runtime_dir),
            "drain_timeout": drain_timeout,
        }
        text = ["[agent]", *_lines(agent), "[images]", 'scan_interval = "1s"', images, "[[images.folder]]"]
        self.config.write_text("\n".join([*text, *_lines(table), ""]))

    def images(self) -> dict[str, Any]:
        """What `status` says of the capability."""
        return self.component("images")

    def folder(self) -> dict[str, Any]:
        """What `status` says of its folder."""
        row: dict[str, Any] = self.images()["details"]["folders"][0]
        return row

    def wait_until(self, holds: Callable[[], object], what: str, limit_s: float = 30.0) -> None:
        """Wait for something; fails with what the daemon said last."""
        ends_at = time.monotonic() + limit_s
        while not holds():
            if time.monotonic() > ends_at:
                words = "\n".join(self.output.read_text(errors="replace").splitlines()[-15:])
                status = json.dumps(self.images())[:3000]
                raise AssertionError(f"not within {limit_s:.0f} s: {what}\nstatus: {status}\nlog: {words}")
            time.sleep(0.05)

    def start_and_wait(self) -> None:
        """Start, and wait until the capability answers."""
        self.start()
        self.wait_until(lambda: self.images().get("state") not in {None, "starting"}, "the daemon answers")

    def wait_moved(self, uploads: Uploads, names: Iterable[str] | None = None, limit_s: float = 30.0) -> None:
        """Wait until these pictures, or all, are gone from the folder; then hold the bucket against them."""
        wanted = list(uploads.written if names is None else names)
        self.wait_until(
            lambda: not any((uploads.path / name).exists() for name in wanted), f"{len(wanted)} pictures moved", limit_s
        )
        assert_stored(self.sandbox, {name: uploads.written[name] for name in wanted})

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run another command of the agent, as the owner."""
        return subprocess.run(
            [*as_user(OWNER), BINARY, *arguments, "--config", self.config],
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )


def assert_stored(sandbox: Sandbox, pictures: dict[str, bytes]) -> None:
    """Each is in the bucket, byte by byte."""
    stored = {item.key: item.sha256 for item in sandbox.objects(BUCKET)}
    for name, content in pictures.items():
        assert stored.get(PREFIX + name) == hashlib.sha256(content).hexdigest(), name


def _lines(table: dict[str, object]) -> list[str]:
    return [f"{key} = {json.dumps(value)}" for key, value in table.items()]
