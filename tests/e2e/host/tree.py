"""The Debian tree that hosts are booted from: built once by debootstrap, cached, never written to afterwards.

Packages come from wherever this machine's own apt gets them; no mirror is named here.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SUITE = "bookworm"
# What a web host and a database host have, as far as the tests look at them; systemd's own needs come first.
PACKAGES = (
    "systemd",
    "systemd-sysv",
    "dbus",
    "procps",
    "python3",
    "python3-venv",
    "logrotate",
    "apache2",
    "php8.2-fpm",
    "mariadb-server",
)
MAX_AGE_S = 30 * 86_400  # then it is built anew, with Debian's newer packages
BUILD_TIMEOUT_S = 900


def cache_folder() -> Path:
    """Where trees and wheels are kept between runs, also between clones of the repository."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "vawsum-agent"


def missing_tool() -> str | None:
    """Say what keeps this machine from booting a host, or None."""
    if os.geteuid() != 0:
        return "booting a host needs root"
    for tool in ("systemd-nspawn", "debootstrap", "nsenter", "unshare", "setpriv", "apt-get"):
        if shutil.which(tool) is None:
            return f"booting a host needs {tool}"
    return None


def debian_tree() -> Path:
    """The tree's folder, built when there is none or an old one. Takes a minute or two then.

    Raises:
        RuntimeError: apt has no Debian sources, or debootstrap failed; its log is in the message.
    """
    key = hashlib.sha256(" ".join((SUITE, *PACKAGES)).encode()).hexdigest()[:12]
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    tree = folder / f"{SUITE}-{key}"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two test runs at once: one builds, the other waits for it
        if not tree.exists() or time.time() - tree.stat().st_mtime > MAX_AGE_S:
            _build(tree)
    return tree


def _build(tree: Path) -> None:
    unfinished = tree.with_suffix(".unfinished")
    for leftover in (unfinished, tree):
        shutil.rmtree(leftover, ignore_errors=True)
    built = subprocess.run(
        ["debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", SUITE, unfinished, _mirror()],
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive", **_proxy()},
        capture_output=True,
        text=True,
        timeout=BUILD_TIMEOUT_S,
        check=False,
    )
    if built.returncode != 0:
        message = f"debootstrap failed: {built.stdout[-2000:]}{built.stderr[-2000:]}"
        raise RuntimeError(message)
    # Each host gets an id of its own at boot, and starts a server only when a test says where to listen.
    (unfinished / "etc/machine-id").write_text("")
    for unit in ("apache2.service", "php8.2-fpm.service", "mariadb.service"):
        (unfinished / "etc/systemd/system/multi-user.target.wants" / unit).unlink(missing_ok=True)
    unfinished.chmod(0o755)
    os.utime(unfinished)
    unfinished.rename(tree)


def _mirror() -> str:
    """The first Debian archive of this machine's apt that has the suite."""
    listed = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE)", "Created-By: Packages"],
        capture_output=True,
        text=True,
        check=True,
    )
    archives = [line.split() for line in listed.stdout.splitlines()]
    for uri, release in _debian(archives):
        if release == SUITE:
            return uri
    for uri, _ in _debian(archives):  # a host of another Debian release: its archive has ours as well
        return uri
    message = "this machine's apt has no Debian archive"
    raise RuntimeError(message)


def _debian(archives: list[list[str]]) -> Iterator[tuple[str, str]]:
    for uri, release in archives:
        if uri.rstrip("/").endswith("/debian"):
            yield uri, release


def _proxy() -> dict[str, str]:
    """Debootstrap fetches by itself, so it has to be told of apt's proxy."""
    shown = subprocess.run(
        ["apt-config", "shell", "proxy", "Acquire::http::Proxy"], capture_output=True, text=True, check=True
    )
    _, _, value = shown.stdout.strip().partition("=")
    return {"http_proxy": value.strip("'")} if value else {}
