"""The images capability on a booted host: a folder of uploads below /var/www, its owner's helper, a bucket."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.e2e.agent_on_host import UNIT, AgentOnHost
from tests.e2e.host.booted import DISK

if TYPE_CHECKING:
    from sandbox.client import Sandbox
    from tests.e2e.host.booted import BootedHost

OWNER = "www-data"
HELPER = f"vawsum-agent-owner@{OWNER}.service"
HELPER_SOCKET = f"vawsum-agent-owner@{OWNER}.socket"
SOCKET_PATH = f"/run/vawsum-agent-owner/{OWNER}.sock"
FOLDER = f"{DISK}/shared/uploads"
QUARANTINE = ".vawsum-quarantine"
BUCKET = "vawsum-images"
PREFIX = "uploads/"
OPEN_FOLDERS = f"/etc/systemd/system/{UNIT}.d/vawsum-images.conf"
UPLOAD = "/usr/local/lib/upload.py"


class ImagesOnHost(AgentOnHost):
    """The daemon that moves images, under systemd, and the site that uploads them."""

    def __init__(self, host: BootedHost, sandbox: Sandbox) -> None:
        super().__init__(host, sandbox)
        self.uploaded: dict[str, str] = {}
        sandbox.create_bucket(BUCKET)
        host.write(UPLOAD, (Path(__file__).parent / "upload.py").read_text())
        host.run(f"rm -rf {DISK}/* && install -d -o {OWNER} -g {OWNER} {FOLDER}")

    def set_up(self, *, directives: tuple[str, ...] = ()) -> None:
        """Do what the documentation tells whoever has images moved: configure, open the folder, enable the helper."""
        self.configure(self.configuration(), directives=directives)
        self.host.run(f"vawsum-agent images systemd-config >{OPEN_FOLDERS}")
        self.host.run(f"systemctl daemon-reload; systemctl enable --now --quiet {HELPER_SOCKET}")

    def configuration(self) -> str:
        """One folder, looked at every second; pictures are due one second after they came."""
        return f"""
[agent]
role = "web"
environment = "test"
instance_id = "i-0e2e"
region = "ap-south-1"

[images]
scan_interval = "1s"

[[images.folder]]
name = "app"
path = "{FOLDER}"
bucket = "{BUCKET}"
prefix = "{PREFIX}"
min_age = "1s"
public_url = "{self.sandbox.public_url(BUCKET, PREFIX)}"
owner = "{OWNER}"
"""

    def upload(self, title: str, number: int) -> dict[str, str]:
        """Have the site take so many pictures; gives what each holds, by its path in the folder."""
        said = self.host.run(f"runuser -u {OWNER} -- python3 {UPLOAD} {FOLDER} '{title}' {number}").stdout
        uploaded: dict[str, str] = json.loads(said)
        self.uploaded |= uploaded
        return uploaded

    def on_disk(self) -> set[str]:
        """The path of every file in the folder; what is in the quarantine goes by the name it has there."""
        return set(self.host.run(f"find {FOLDER} ! -type d -printf '%P\\n'").stdout.splitlines())

    def in_bucket(self) -> dict[str, str]:
        """What each object holds, by its path in the folder."""
        return {item.key.removeprefix(PREFIX): item.sha256 for item in self.sandbox.objects(BUCKET)}

    def lost(self) -> list[str]:
        """What was uploaded and is nowhere whole. The disk is asked first: what leaves it later is in the bucket."""
        on_disk = self.on_disk()
        in_bucket = self.in_bucket()
        return [
            path
            for path, sha256 in self.uploaded.items()
            if in_bucket.get(path) != sha256 and path not in on_disk and quarantined(path) not in on_disk
        ]

    def assert_everything_moves(self, *, left: frozenset[str] = frozenset()) -> None:
        """Wait until nothing else is left on the disk; then the bucket has to hold all of it, and nothing more."""
        self.host.wait_for(f"{len(self.uploaded)} pictures to move", lambda: self.on_disk() == left, timeout_s=90)
        assert self.in_bucket() == self.uploaded
        assert self.sandbox.violations() == []

    def folder_status(self) -> dict[str, Any]:
        """What ``status`` says of the folder."""
        images = next(part for part in self.status()["components"] if part["name"] == "images")
        folder: dict[str, Any] = images["details"]["folders"][0]
        return folder

    def doctor(self) -> list[dict[str, str]]:
        """What ``vawsum-agent doctor`` finds as root and is not well: ``severity``, ``what``, ``where``, ``remedy``."""
        aws = " ".join(f"{key}='{value}'" for key, value in self.sandbox.environment().items() if key[:4] == "AWS_")
        # Not root's own home: another test has put there what the daemon must not read.
        said = self.host.run(f"env HOME=/nonexistent {aws} vawsum-agent doctor --json", check=False).stdout
        return [row for row in json.loads(said)["findings"] if row["severity"] != "ok"]


def quarantined(path: str) -> str:
    """Where a file is while it is removed."""
    return f"{QUARANTINE}/f{path.replace('/', '%2F')}"
