"""The real daemon moving pictures out of a real folder into the sandbox's S3."""

from __future__ import annotations

import getpass
import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from sandbox.client import REPOSITORY
from sandbox.demo.agent import BINARY, Agent, as_user

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
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
                with suppress(FileNotFoundError), open(file, "rb") as opened:  # noqa: PTH123 - it may move right now
                    found[os.path.relpath(file, self.path)] = opened.read()
        return found

    def assert_nowhere_but(self, allowed: Iterable[str] = ()) -> None:
        """Nothing is left in the folder but these, and nothing at all in the quarantine."""
        assert set(self.local()) == set(allowed)


class Visitors(threading.Thread):
    """People who upload all the time.

    Args:
        uploads: the folder.
        a_second: pictures; one in ten takes the place of one that was there before.
    """

    def __init__(self, uploads: Uploads, a_second: int = 100) -> None:
        super().__init__(name="visitors", daemon=True)
        self._uploads = uploads
        self._pause_s = 10 / a_second
        self._is_over = threading.Event()
        self.count = 0

    def run(self) -> None:
        """Upload in bursts."""
        while not self._is_over.wait(self._pause_s):
            for _ in range(10):
                number = self.count - 300 if self.count % 10 == 9 and self.count > 300 else self.count
                self._uploads.put(f"{number % 7}/{number}.jpg")
                self.count += 1

    def stop(self) -> None:
        """End."""
        self._is_over.set()
        self.join()


def own(path: Path) -> None:
    """Give it to the owner."""
    if os.geteuid() == 0:
        shutil.chown(path, OWNER, OWNER)


class MovingAgent(Agent):
    """The daemon with the images capability, and what a test asks of it."""

    def __init__(self, directory: Path, sandbox: Sandbox, prefix: str = PREFIX) -> None:
        super().__init__(directory, sandbox.environment(), OWNER)
        self.sandbox = sandbox
        self._bucket_prefix = prefix

    def configure(
        self, uploads: Uploads, drain_timeout: str = "10s", images: str = "", further: str = "", **settings: object
    ) -> None:
        """Write `agent.toml` for one folder: looked at every second, moving after one.

        Args:
            uploads: the folder.
            drain_timeout: of the agent.
            images: further lines of its table.
            further: other tables.
            settings: of the folder.
        """
        self.configure_all({"app": (uploads, settings)}, drain_timeout, images, further)

    def configure_all(
        self,
        folders: Mapping[str, tuple[Uploads, Mapping[str, object]]],
        drain_timeout: str = "10s",
        images: str = "",
        further: str = "",
    ) -> None:
        """Write it for several folders, by name, each with settings of its own."""
        agent: dict[str, object] = {
            "instance_id": "i-test",
            "state_dir": str(self.state_dir),
            "runtime_dir": str(self.runtime_dir),
            "drain_timeout": drain_timeout,
        }
        text = ["[agent]", *_lines(agent), "[images]", 'scan_interval = "1s"', images]
        for name, (uploads, settings) in folders.items():
            table: dict[str, object] = {
                "name": name,
                "path": str(uploads.path),
                "bucket": BUCKET,
                "prefix": self._bucket_prefix if name == "app" else f"{name}/",
                "min_age": "1s",
                "public_url": f"http://images.test/{name}/",
                "owner": OWNER,
                **settings,
            }
            text += ["[[images.folder]]", *_lines(table)]
        self.config.write_text("\n".join([*text, further, ""]))

    def images(self) -> dict[str, Any]:
        """What `status` says of the capability."""
        return self.component("images")

    def folder(self, name: str = "app") -> dict[str, Any]:
        """What `status` says of a folder."""
        rows: list[dict[str, Any]] = self.images().get("details", {}).get("folders", [])
        return next((row for row in rows if row["name"] == name), {"due_count": -1, "refused": {}, "examples": {}})

    def wait_until(self, holds: Callable[[], object], what: str, limit_s: float = 30.0) -> None:
        """Wait for something; fails with what the daemon said last."""
        ends_at = time.monotonic() + limit_s
        while not holds():
            if time.monotonic() > ends_at:
                words = "\n".join(self.output.read_text(errors="replace").splitlines()[-15:])
                status = json.dumps(self.images())[:3000]
                raise AssertionError(f"not within {limit_s:.0f} s: {what}\nstatus: {status}\nlog: {words}")
            time.sleep(0.05)

    def start_to_die(self, step: str, when: str, number: int) -> None:
        """Start a daemon that dies at a step, see `crashing`."""
        module = "tests.integration.images.moving.crashing"
        command = [*as_user(OWNER), sys.executable, "-m", module, step, when, str(number), str(self.config)]
        with self.output.open("ab") as output:
            self._process = subprocess.Popen(
                command, cwd=REPOSITORY, env=self._environment, stdout=output, stderr=output, start_new_session=True
            )

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
        self.assert_stored({name: uploads.written[name] for name in wanted})

    def assert_stored(self, pictures: dict[str, bytes]) -> None:
        """Each is in the bucket, byte by byte."""
        assert_stored(self.sandbox, pictures, self._bucket_prefix)

    def run(self, *arguments: str, limit_s: float = 120.0) -> subprocess.CompletedProcess[str]:
        """Run another command of the agent, as the owner."""
        return subprocess.run(
            [*as_user(OWNER), BINARY, *arguments, "--config", self.config],
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=limit_s,
        )


def assert_stored(sandbox: Sandbox, pictures: dict[str, bytes], prefix: str = PREFIX, bucket: str = BUCKET) -> None:
    """Each is in the bucket, byte by byte."""
    stored = {item.key: item.sha256 for item in sandbox.objects(bucket)}
    for name, content in pictures.items():
        assert stored.get(prefix + name) == hashlib.sha256(content).hexdigest(), name


def _lines(table: dict[str, object]) -> list[str]:
    return [f"{key} = {json.dumps(value)}" for key, value in table.items()]
