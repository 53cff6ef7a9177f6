"""The agent as it is installed on a host: its wheel, and the locked wheels it runs with, fetched beforehand."""

from __future__ import annotations

import hashlib
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from tests.e2e.host.tree import cache_folder

REPOSITORY = Path(__file__).parents[3]
LOCK = REPOSITORY / "requirements" / "runtime.lock"
PYTHON = "3.11"  # the tree's
GLIBC_MINOR = 36  # the tree's


def build_wheel(folder: Path) -> Path:
    """Build the agent's wheel from the work tree into ``folder``."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder],
        cwd=REPOSITORY,
        capture_output=True,
        check=True,
        timeout=120,
    )
    return next(folder.glob("vawsum_agent-*.whl"))


def locked_wheels() -> Path:
    """A folder with every wheel of the runtime lock for the tree's Python, downloaded once for each lock."""
    key = hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]
    folder = cache_folder() / f"wheels-{key}"
    if folder.exists():
        return folder
    unfinished = folder.with_suffix(".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    machine = platform.machine()
    platforms = [f"--platform=manylinux_2_{minor}_{machine}" for minor in range(GLIBC_MINOR, 16, -1)]
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--require-hashes", "--only-binary=:all:"),
            *("--implementation=cp", f"--python-version={PYTHON}", *platforms, f"--platform=manylinux2014_{machine}"),
            *("--requirement", str(LOCK), "--dest", str(unfinished)),
        ],
        capture_output=True,
        check=True,
        timeout=300,
    )
    unfinished.rename(folder)
    return folder
