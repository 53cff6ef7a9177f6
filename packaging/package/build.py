"""Builds ``dist/*.deb`` and ``dist/*.rpm``: an environment of locked packages and the agent's wheel, ready to run.

It owns ``build/package``, which it fills anew each time. The same commit gives the same bytes on every machine: nothing
that goes in is compiled or executed, and the Python that builds need not be the one that the packages are for.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

REPOSITORY = Path(__file__).resolve().parents[2]
WORK = REPOSITORY / "build/package"
TREE = WORK / "tree"
ENVIRONMENT = TREE / "opt/vawsum-agent"
SHARE = TREE / "usr/share/vawsum-agent"
DOCUMENTS = TREE / "usr/share/doc/vawsum-agent"

# Wheels for this C library and older ones: Debian 12 has 2.36, Amazon Linux 2023 and RHEL 9 have 2.34.
GLIBC = (2, 28)
OLDEST_GLIBC_MINOR = 5  # manylinux1's; no wheel asks for less
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}  # Python's names, and those of Debian and nfpm
NO_COMMIT = 1_577_836_800  # 2020-01-01: the files' time where there is neither a commit nor SOURCE_DATE_EPOCH

CONFIGURATION = """\
home = /usr/bin
include-system-site-packages = false
version = {python}
"""
# -I: neither the caller's PYTHON* variables nor their folder decide what root runs.
COMMAND = """\
#!/opt/vawsum-agent/bin/python -I
import sys

from vawsum_agent.cli.main import main

sys.exit(main())
"""


class CannotBuildError(Exception):
    """What is missing, in one line."""


def main() -> int:
    """Build both packages; 1, and one line on stderr, when something is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", default="3.11", help="the target's minor version of Python (default: 3.11)")
    parser.add_argument("--arch", default=platform.machine(), choices=ARCHITECTURES, help="the target's processor")
    parser.add_argument("--release", default="1", help="counts packages of one version (default: 1)")
    parser.add_argument("--output", type=Path, default=REPOSITORY / "dist", help="where they go (default: dist)")
    chosen = parser.parse_args()
    try:
        with _alone():
            _build(chosen)
    except CannotBuildError as error:
        print(f"package: {error}", file=sys.stderr)
        return 1
    for package in sorted(chosen.output.glob(f"vawsum?agent*{_version()}*")):
        print(f"{package.stat().st_size / 1e6:6.1f} MB  {os.path.relpath(package)}")
    return 0


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Wait until no other build uses the folder."""
    WORK.parent.mkdir(exist_ok=True)
    with WORK.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build(chosen: argparse.Namespace) -> None:
    version, nfpm, epoch = _version(), _nfpm(), _epoch()
    os.environ["SOURCE_DATE_EPOCH"] = str(epoch)  # read by hatchling and nfpm
    shutil.rmtree(WORK, ignore_errors=True)
    chosen.output.mkdir(parents=True, exist_ok=True)
    _fill_environment(_build_wheel(chosen.output), chosen.python, chosen.arch)
    _fill_share()
    _settle(TREE, epoch)
    variables = {
        "VERSION": version,
        # After an upgrade of the distribution, the same version for the newer Python is an upgrade as well.
        "RELEASE": f"{chosen.release}+py{chosen.python.replace('.', '')}",
        "ARCH": ARCHITECTURES[chosen.arch],
        "PYTHON": chosen.python,
        "GLIBC": "{}.{}".format(*GLIBC),
    }
    for kind in ("deb", "rpm"):
        _run("nfpm", nfpm, "package", *_nfpm_options(kind, chosen.output), variables=variables)


def _version() -> str:
    text = (REPOSITORY / "vawsum_agent/__init__.py").read_text(encoding="utf-8")
    found = re.search(r'^__version__ = "(.+)"$', text, re.MULTILINE)
    if found is None or not re.fullmatch(r"\d+\.\d+\.\d+", found[1]):
        # A pre-release would have to be written another way: dpkg and rpm sort 1.0.0rc1 after 1.0.0.
        message = "vawsum_agent/__init__.py has no __version__ of the form 1.2.3"
        raise CannotBuildError(message)
    return found[1]


def _nfpm() -> str:
    """The path of the packages' writer; when there is none, nfpm.sh tells why, and that is all there is to say."""
    found = subprocess.run([Path(__file__).with_name("nfpm.sh")], stdout=subprocess.PIPE, text=True, check=False)
    if found.returncode != 0:
        raise SystemExit(1)
    return found.stdout.strip()


def _nfpm_options(kind: str, output: Path) -> list[str]:
    description = Path(__file__).with_name("nfpm.yaml")
    return ["--config", str(description), "--packager", kind, "--target", str(output.resolve())]


def _epoch() -> int:
    """The time that all files get, in seconds: ``SOURCE_DATE_EPOCH``, else the commit's."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if given:
        return int(given)
    git = shutil.which("git")
    if git is None:
        return NO_COMMIT
    asked = [git, "log", "-1", "--format=%ct"]
    commit = subprocess.run(asked, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    return int(commit.stdout) if commit.returncode == 0 and commit.stdout.strip() else NO_COMMIT


def _build_wheel(output: Path) -> Path:
    """Build the agent's wheel; it stays beside the packages, for hosts that install it some other way."""
    folder = WORK / "wheel"
    _run("hatchling", sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder))
    wheel = next(folder.glob("vawsum_agent-*.whl"))
    shutil.copy(wheel, output)
    return wheel


def _fill_environment(wheel: Path, python: str, arch: str) -> None:
    """Make what ``python -m venv`` and pip would, for a Python that need not be on this machine."""
    packages = ENVIRONMENT / f"lib/python{python}/site-packages"
    major, newest = GLIBC
    tags = [f"manylinux_{major}_{minor}_{arch}" for minor in range(newest, OLDEST_GLIBC_MINOR - 1, -1)]
    target = ["--implementation=cp", f"--python-version={python}", *(f"--platform={tag}" for tag in tags)]
    # The legacy names of 2.17, 2.12 and 2.5 as well: wheels that have no other are still published.
    target += [f"--platform={legacy}_{arch}" for legacy in ("manylinux2014", "manylinux2010", "manylinux1")]
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    pip += ["--only-binary=:all:", "--no-deps", *target, "--target", str(packages)]
    _run("pip", *pip, "--require-hashes", "--requirement", str(REPOSITORY / "requirements/runtime.lock"))
    # By name, not by path: pip would write this machine's path into the environment.
    _run("pip", *pip, "--no-index", "--find-links", str(wheel.parent), "vawsum-agent")
    shutil.rmtree(packages / "bin")  # commands of libraries, for the Python of this machine

    programs = ENVIRONMENT / "bin"
    programs.mkdir()
    (ENVIRONMENT / "pyvenv.cfg").write_text(CONFIGURATION.format(python=python))
    (programs / "vawsum-agent").write_text(COMMAND)
    (programs / "vawsum-agent").chmod(0o755)


def _fill_share() -> None:
    shutil.copytree(REPOSITORY / "etc", SHARE / "etc")
    shutil.copytree(REPOSITORY / "packaging/iam", SHARE / "iam")
    shutil.copytree(REPOSITORY / "packaging/ssm", SHARE / "ssm")
    shutil.copytree(REPOSITORY / "docs", DOCUMENTS / "docs")
    for page in ("README.md", "CHANGELOG.md"):
        shutil.copy(REPOSITORY / page, DOCUMENTS)


def _settle(tree: Path, epoch: int) -> None:
    """Give every file the mode and time that it has in each build, whatever umask and clock this machine has."""
    for path in [tree, *tree.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.parent == ENVIRONMENT / "bin" else 0o644)
        os.utime(path, (epoch, epoch), follow_symlinks=False)


def _run(what: str, *command: str, variables: dict[str, str] | None = None) -> None:
    environment = {**os.environ, **(variables or {})}
    done = subprocess.run(
        command, cwd=REPOSITORY, env=environment, capture_output=True, encoding="utf-8", errors="replace", check=False
    )
    if done.returncode != 0:
        told = (done.stderr.strip() or done.stdout.strip() or f"exit code {done.returncode}").splitlines()
        message = f"{what} failed: {next((line for line in reversed(told) if 'ERROR' in line), told[-1])}"
        raise CannotBuildError(message)


if __name__ == "__main__":
    sys.exit(main())
