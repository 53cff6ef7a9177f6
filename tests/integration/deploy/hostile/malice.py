"""Releases that mean harm or are broken, and what a host must look like after any of them: as before."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

from tests.integration.deploy.deploying import BUCKET, FIRST
from tests.unit.deploy.fetch.published import Item, tar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox import Sandbox
    from tests.integration.deploy.deploying import DeployHost, Ended

BAD = "20260505T000000Z-5555555"
"""The release that every test here gets wrong in its own way."""

GROUP = "web"
SECRETS = "vawsum-secrets"
NO_DRAIN = 'drain = "none"'
WITH_SECRETS = f'{NO_DRAIN}\nsecrets = "s3://{SECRETS}/web/"'


def put(sandbox: Sandbox, packed: bytes, checksum: str | None = None, suffix: str = ".tar.gz") -> str:
    """Publish bytes as the bad release.

    Args:
        sandbox: with the bucket.
        packed: whatever they are.
        checksum: what its object holds; None: what it should, empty: there is none.
        suffix: of the artifact.
    """
    told = f"{hashlib.sha256(packed).hexdigest()}  {BAD}{suffix}\n" if checksum is None else checksum
    sandbox.put_object(BUCKET, f"web/{BAD}{suffix}", packed)
    if told:
        sandbox.put_object(BUCKET, f"web/{BAD}.sha256", told.encode())
    return BAD


def put_items(sandbox: Sandbox, *items: Item) -> str:
    """Publish an archive with good pages first, and these members after them."""
    return put(sandbox, gzip.compress(tar(Item("index.php", b"<?php echo 'bad';"), Item("healthz", b"ok"), *items), 1))


def put_files(sandbox: Sandbox, files: Mapping[str, str]) -> str:
    """Publish a whole archive of these files."""
    return put(sandbox, gzip.compress(tar(*(Item(name, text.encode()) for name, text in files.items())), 1))


def running(mark: str) -> list[int]:
    """Find the processes, by number, on whose command line something stands."""
    found = []
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if folder.name.isdecimal() and mark.encode() in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
    return found


def end_all(mark: str) -> None:
    """End what a hook has started and nobody else ends."""
    while found := running(mark):
        for pid in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def leftovers(host: DeployHost) -> list[str]:
    """All that lies below the application's path and should not, when the first release is served and nothing runs."""
    app = host.folder
    found = [path for path in app.path.iterdir() if path.name not in {"current", ".vawsum", "releases", "shared"}]
    found = [path for path in found if path != app.secrets] + list(app.secrets.glob("*"))
    found += [path for path in app.releases.iterdir() if path.name != FIRST]
    kept = {"deploys", "reserve", "lock", "seals", "incoming", "secrets"}
    found += [path for path in app.journal.iterdir() if path.name not in kept]
    found += [path for folder in ("seals", "incoming", "secrets") for path in (app.journal / folder).glob("*")]
    found += [path for path in host.journal.folder.iterdir() if path.suffix not in {".json", ".log", ".err"}]
    return sorted(str(path) for path in found)


def expect_untouched(host: DeployHost) -> None:
    """The first release is in service, nothing is left of any other, and no process died of a bug."""
    assert (host.serves(), host.answer()) == (FIRST, f"{host.host.instance_id} {FIRST}")
    assert leftovers(host) == []
    assert host.journal.unfinished() == []
    strays = "".join(path.read_text() for path in host.journal.folder.glob("*.err"))
    assert "bug_contained" not in strays
    assert "Traceback" not in strays


def expect_taken_back(host: DeployHost, ended: Ended, step: str, words: str) -> None:
    """The command says in one line at which step and why, and the host is as before."""
    assert (ended.code, bool(ended.out)) == (1, True), ended.error
    told = ended.document
    assert (told["result"], told["failed_step"], told["serving"]) == ("taken back", step, FIRST), told["error"]
    assert words in told["error"]
    assert told["error"].isprintable()
    assert len(told["error"]) < 600
    assert "Traceback" not in ended.error
    expect_untouched(host)
