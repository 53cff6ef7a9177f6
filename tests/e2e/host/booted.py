"""One booted host: start it, run commands in it, write files, install the agent as a package would."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

BOOT_TIMEOUT_S = 90
BOOT = Path(__file__).parent / "boot.sh"
DISK = "/var/www/app"
"""A plain file system of the host. The rest is an overlay, where a file has another device number than its folder."""
# Nothing of the test's own environment: neither its pip settings nor its credentials.
ENVIRONMENT = ["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", "HOME=/root"]


class BootedHost:
    """A Debian with systemd as its first process. It shares the network of this machine, so 127.0.0.1 is the test's.

    Use as a context manager: booted on entry, powered off on exit.
    """

    def __init__(self, tree: Path, *, shared_folders: dict[Path, str] | None = None) -> None:
        self._tree = tree
        self._shared = shared_folders or {}
        self._layer = tempfile.TemporaryDirectory(prefix="vawsum-host-")
        self._console = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the host
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        # open_by_handle_at(2): systemd-nspawn would refuse it, a real host does not; the agent's unit has to.
        options = [
            "--system-call-filter=open_by_handle_at",
            f"--machine={Path(self._layer.name).name.replace('_', 'x')}",  # it may neither hold a _ nor end with a -
        ]
        options += [*(f"--bind-ro={host}:{inside}" for host, inside in self._shared.items())]
        self._process = subprocess.Popen(
            [
                *("setpriv", "--pdeathsig", "KILL"),  # it does not outlive the test run, however that ends
                *("unshare", "--pid", "--fork", "--kill-child", "--mount", "--mount-proc", "--propagation", "private"),
                *("sh", str(BOOT), self._layer.name, str(self._tree), DISK, *options),
            ],
            stdin=subprocess.DEVNULL,
            stdout=self._console,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.wait_until_booted()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None and self._process.poll() is None:
            for first in _children(self._process.pid):
                os.kill(first, signal.SIGKILL)  # and with it, everything in its namespace
            self._process.wait(30)
        self._console.close()
        self._layer.cleanup()
        for hierarchy in ("systemd", "unified", "."):
            _remove_groups(Path("/sys/fs/cgroup") / hierarchy / Path(self._layer.name).name)

    def run(self, command: str, *, timeout_s: float = 60, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a shell command as root in the host; with ``check``, a failure fails the test with its output."""
        done = self._execute(["sh", "-c", command], timeout_s=timeout_s)
        if check and done.returncode != 0:
            message = f"`{command}` in the host ended with {done.returncode}:\n{done.stdout}{done.stderr}"
            raise AssertionError(message)
        return done

    def start(self, command: list[str], environment: Mapping[str, str]) -> subprocess.Popen[str]:
        """Start a command as root with this environment alone, in a process group of its own, for `os.killpg`.

        It has to have ended before the host shuts down in order, which waits for it.
        """
        variables = [f"{name}={value}" for name, value in environment.items()]
        return subprocess.Popen(
            [*self._entered(), "env", "-i", *variables, *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            process_group=0,
        )

    def write(self, path: str, text: str, *, mode: int = 0o644, owner: str = "root:root") -> None:
        """Write a file in the host; missing folders are created."""
        script = 'mkdir -p "$(dirname "$1")" && cat >"$1" && chown "$2" "$1" && chmod "$3" "$1"'
        done = self._execute(["sh", "-c", script, "write", path, owner, f"{mode:o}"], text=text, timeout_s=30)
        if done.returncode != 0:
            message = f"could not write {path} in the host: {done.stderr}"
            raise AssertionError(message)

    def read(self, path: str) -> str:
        """Read a text file of the host."""
        return self.run(f"cat '{path}'").stdout

    def wait_for(self, what: str, holds: Callable[[], bool], *, timeout_s: float = 30) -> None:
        """Wait until ``holds()``; else fail, saying what did not come about and what the journal tells."""
        deadline = time.monotonic() + timeout_s
        while not holds():
            if time.monotonic() > deadline:
                journal = self.run("journalctl --no-pager --lines=60", check=False).stdout
                message = f"after {timeout_s} s still not: {what}\n{journal}"
                raise AssertionError(message)
            time.sleep(0.2)

    def is_active(self, unit: str) -> bool:
        """Whether a unit is active: for Type=notify, whether it said that it is ready."""
        return self.run(f"systemctl is-active {unit}", check=False).stdout.strip() == "active"

    def reboot(self, *, power_cut: bool = False) -> None:
        """Reboot in order, or as a power cut would: every process gone at once, nothing told."""
        before = self._first_process()
        self.run("reboot --force --force" if power_cut else "systemctl reboot", check=False)
        deadline = time.monotonic() + BOOT_TIMEOUT_S
        while self._first_process() in {before, None} and time.monotonic() < deadline:
            time.sleep(0.1)
        self.wait_until_booted()

    def wait_until_booted(self) -> None:
        """Wait until systemd has started everything that belongs to a boot.

        Raises:
            RuntimeError: it did not boot; the message has its console.
        """
        deadline = time.monotonic() + BOOT_TIMEOUT_S
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                break
            if self._first_process() is not None:
                state = self._execute(["systemctl", "is-system-running", "--wait"], timeout_s=BOOT_TIMEOUT_S)
                if state.stdout.strip() in {"running", "degraded"}:
                    return
            time.sleep(0.1)
        self._console.seek(0)
        message = f"the host did not boot:\n{self._console.read().decode(errors='replace')[-4000:]}"
        raise RuntimeError(message)

    def _first_process(self) -> int | None:
        """The id, out here, of the host's process 1."""
        if self._process is None:
            return None
        descendants = _children(self._process.pid)
        while descendants:
            child = descendants.pop(0)
            if _name(child) == "systemd":
                return child
            descendants += _children(child)
        return None

    def _execute(
        self, command: list[str], *, text: str | None = None, timeout_s: float
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self._entered(), *ENVIRONMENT, *command],
            input=text,
            stdin=subprocess.DEVNULL if text is None else None,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=timeout_s,
            check=False,
        )

    def _entered(self) -> list[str]:
        spaces = ["--mount", "--uts", "--ipc", "--pid", "--root", "--wd"]
        return ["nsenter", f"--target={self._first_process()}", *spaces, "--"]


def _children(process: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def _name(process: int) -> str:
    try:
        return Path(f"/proc/{process}/comm").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _remove_groups(folder: Path) -> None:
    """Remove control groups from the bottom up; those that still hold a process stay."""
    for group in [*sorted(folder.rglob("*/"), reverse=True), folder]:
        with contextlib.suppress(OSError):
            group.rmdir()
