"""The packages: what is in them, and the life of the deb on a booted host from its installation to its purge."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sandbox.client import Sandbox
from tests.e2e.agent_on_host import CONFIGURATION, UNIT, AgentOnHost
from tests.e2e.deploy_on_host import RECOVERY
from tests.e2e.host.booted import BootedHost
from tests.e2e.host.install import UNITS, unit_text
from tests.e2e.host.tree import debian_tree, missing_tool
from tests.e2e.images_on_host import HELPER_SOCKET, SOCKET_PATH
from vawsum_agent import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]  # the first one may have to build the host, and nfpm

REPOSITORY = Path(__file__).parents[2]
BUILD = (sys.executable, str(REPOSITORY / "packaging/package/build.py"), "--python", "3.11", "--output")
NEWER = "99.0.0"
PACKAGES = "/mnt/packages"
GROUP = "/vawsum/test/app"
LOG = "/var/log/app.log"
CONFIG = f"""
[agent]
role = "web"
environment = "test"
instance_id = "i-0e2e"
region = "ap-south-1"

[logs]
flush_interval = "200ms"

[[logs.source]]
name = "app"
paths = ["{LOG}"]
format = "plain"
log_group = "{GROUP}"
"""


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the packages of the work tree, and ``newer.deb``: the same in a version to come."""
    if shutil.which("go") is None and not list(REPOSITORY.glob("build/tools/nfpm-*")):
        pytest.skip("building packages needs Go, or an nfpm in build/tools")
    if shutil.which("dpkg-deb") is None:
        pytest.skip("looking into packages needs dpkg-deb")
    folder = tmp_path_factory.mktemp("packages")
    built = subprocess.run([*BUILD, folder], capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    _build_newer(folder)
    return folder


def _build_newer(folder: Path) -> None:
    """Take the deb apart, change its version and a module, and put it together again."""
    tree = folder / "newer"
    subprocess.run(["dpkg-deb", "--raw-extract", next(folder.glob("*.deb")), tree], check=True)
    for file in (tree / "DEBIAN/control", next(tree.rglob("vawsum_agent/__init__.py"))):
        file.write_text(file.read_text().replace(__version__, NEWER))
    next(tree.rglob("vawsum_agent/cli/status.py")).with_name("only_in_newer.py").write_text("")
    subprocess.run(
        ["dpkg-deb", "--build", "-Zgzip", "-z1", tree, folder / "newer.deb"], capture_output=True, check=True
    )
    shutil.rmtree(tree)


@pytest.fixture(scope="module")
def bare_host(packages: Path) -> Iterator[BootedHost]:
    """A Debian host that has never seen the agent."""
    missing = missing_tool()
    if missing is not None:
        pytest.skip(missing)
    with BootedHost(debian_tree(), shared_folders={packages: PACKAGES}) as host:
        yield host


@pytest.fixture
def host(bare_host: BootedHost) -> Iterator[BootedHost]:
    """The host with the package just installed, without a network: nothing may be fetched by an installation."""
    bare_host.run(f"unshare --net dpkg --install {PACKAGES}/vawsum-agent_*.deb")
    yield bare_host
    bare_host.run(f"dpkg --purge vawsum-agent; rm -f {LOG}; rm -rf /etc/systemd/system/{UNIT}.d")


@pytest.fixture
def agent(host: BootedHost) -> Iterator[AgentOnHost]:
    """The installed agent, configured for one file, enabled and running."""
    with Sandbox.start() as sandbox:
        agent = AgentOnHost(host, sandbox)
        agent.configure(CONFIG)
        host.run(f"systemctl enable --quiet {UNIT}")
        agent.start()
        yield agent


def deb_files(package: Path) -> dict[str, str]:
    """The modes, owners and groups of a deb's files, by path; folders are left out."""
    listed = subprocess.run(["dpkg-deb", "--contents", package], capture_output=True, text=True, check=True).stdout
    rows = [line.split(maxsplit=5) for line in listed.splitlines() if not line.startswith("d")]
    return {row[5].split(" -> ")[0].removeprefix("."): f"{row[0]} {row[1]}" for row in rows}


def test_every_file_is_roots_and_nobody_else_writes_it(packages: Path) -> None:
    """What is installed is root's, read by all and written by nobody else; nothing of it lies in /etc or /var."""
    files = deb_files(next(packages.glob("vawsum-agent_*.deb")))
    kinds = {owned for path, owned in files.items() if not path.startswith(("/opt/vawsum-agent/bin/", "/usr/bin/"))}
    assert kinds == {"-rw-r--r-- root/root"}
    assert files["/opt/vawsum-agent/bin/vawsum-agent"] == "-rwxr-xr-x root/root"
    assert {path for path in files if not path.startswith(("/opt/vawsum-agent/", "/usr/"))} == set()
    policies = {f"/usr/share/vawsum-agent/iam/{policy.name}" for policy in REPOSITORY.glob("packaging/iam/*.json")}
    examples = {f"/usr/share/vawsum-agent/etc/vawsum-agent/{role}.toml" for role in ("web", "db")}
    documents = {f"/usr/share/vawsum-agent/ssm/{document.name}" for document in REPOSITORY.glob("packaging/ssm/*.json")}
    snippets = {f"/usr/share/vawsum-agent/{path.relative_to(REPOSITORY)}" for path in REPOSITORY.glob("etc/apache2/*")}
    units = {f"/usr/lib/systemd/system/{unit}" for unit in UNITS}
    assert policies | examples | documents | snippets | units <= files.keys()


@pytest.mark.skipif(shutil.which("rpm") is None, reason="looking into the rpm needs rpm")
def test_rpm_holds_what_the_deb_holds(packages: Path) -> None:
    """The rpm has the deb's files, but the licence's place, and asks for the Python its libraries are compiled for."""

    def ask(*question: str) -> list[str]:
        package = str(next(packages.glob("*.rpm")))
        answer: str = subprocess.check_output(["rpm", "--query", "--package", *question, package], text=True)
        return answer.splitlines()

    folders = {line.split()[-1] for line in ask("--list", "--verbose") if line.startswith("d")}
    deb = deb_files(next(packages.glob("vawsum-agent_*.deb")))
    assert (set(ask("--list")) - folders) ^ deb.keys() == {
        "/usr/share/doc/vawsum-agent/copyright",
        "/usr/share/licenses/vawsum-agent/LICENSE",
    }
    assert "python3.11" in ask("--requires")
    assert ask("--queryformat", "%{VERSION} %{RELEASE} %{BUILDHOST}") == [f"{__version__} 1+py311 localhost"]


def test_same_commit_same_bytes(packages: Path, tmp_path: Path) -> None:
    """Built again, under another umask, time zone and host name, the packages are the same to the byte."""
    build = ["sh", "-c", 'umask 077 && exec "$@"', "build", *BUILD, str(tmp_path)]
    if missing_tool() is None:  # root may rename a machine, as far as this build sees it
        build = ["unshare", "--uts", "sh", "-c", 'hostname other && exec "$@"', "rename", *build]
    subprocess.run(build, env={**os.environ, "TZ": "Asia/Kolkata"}, capture_output=True, check=True)
    built = {package.name: package.read_bytes() for package in tmp_path.iterdir()}
    assert len(built) == 3  # with the wheel
    assert [name for name, bytes_ in built.items() if bytes_ != (packages / name).read_bytes()] == []


def test_installation_starts_nothing(host: BootedHost) -> None:
    """After its installation the agent is there and its examples hold; enabled is nothing but recovery at boot."""
    assert host.run(f"systemctl is-enabled {UNIT}", check=False).stdout == "disabled\n"
    assert host.run(f"systemctl is-active {UNIT}", check=False).stdout == "inactive\n"
    assert host.run(f"systemctl is-enabled {RECOVERY}").stdout == "enabled\n"
    for example in ("web", "db"):
        host.run(f"vawsum-agent check-config --config /usr/share/vawsum-agent/etc/vawsum-agent/{example}.toml")
    host.run("/opt/vawsum-agent/bin/python -I -m vawsum_agent --version")  # as deploys are started
    assert host.run("stat --format='%a %U %G' /etc/vawsum-agent /etc/vawsum-agent/conf.d").stdout.splitlines() == (
        ["750 root vawsum-agent"] * 2
    )
    assert host.read(f"/usr/lib/systemd/system/{UNIT}") == unit_text()
    host.run(f"systemd-analyze security --no-pager --threshold=18 {UNIT}")


def test_modules_are_compiled_on_the_host(host: BootedHost) -> None:
    """Each start finds its modules compiled: the daemon may not write below /opt, so it could never do it itself."""
    cached = "/opt/vawsum-agent/lib/python3.11/site-packages/{}/__pycache__/__init__.cpython-311.pyc"
    host.run(f"test -s {cached.format('vawsum_agent')} && test -s {cached.format('botocore')}")


def test_upgrade_restarts_what_runs(agent: AgentOnHost) -> None:
    """An upgrade keeps configuration and state and puts the new version to work: each line arrives once."""
    host = agent.host
    host.run(f"echo before >>{LOG}")
    host.wait_for("the line before", lambda: agent.sandbox.count(GROUP) == 1)
    host.run("chmod 0751 /etc/vawsum-agent")
    before = agent.show("MainPID")

    host.run(f"unshare --net dpkg --install {PACKAGES}/newer.deb")

    assert agent.show("MainPID") not in {before, "0"}
    assert agent.status()["version"] == NEWER
    host.run(f"echo after >>{LOG}")
    host.wait_for("the line after", lambda: agent.sandbox.count(GROUP) == 2)
    assert agent.arrived(GROUP) == ["before", "after"]
    assert host.read(CONFIGURATION) == CONFIG
    assert host.run("stat --format=%a /etc/vawsum-agent").stdout == "751\n"


def test_upgrade_starts_nothing(host: BootedHost) -> None:
    """An upgrade of an agent that does not run leaves it so; going back a version leaves no module of the newer."""
    host.run(f"dpkg --install {PACKAGES}/newer.deb && dpkg --install {PACKAGES}/vawsum-agent_*.deb")
    assert host.run(f"systemctl is-active {UNIT}", check=False).stdout == "inactive\n"
    assert host.run("find /opt/vawsum-agent -name 'only_in_newer*'").stdout == ""
    assert __version__ in host.run("vawsum-agent --version").stdout


def test_removal_keeps_what_a_purge_deletes(agent: AgentOnHost) -> None:
    """A removal stops the agent and a deploy, a reinstallation goes on where they were; a purge leaves but the user."""
    host = agent.host
    host.run(f"systemctl enable --now --quiet {HELPER_SOCKET}")
    host.run(f"echo before >>{LOG}")
    host.wait_for("the line", lambda: agent.sandbox.count(GROUP) == 1)

    host.run("systemd-run --quiet --unit=vawsum-agent-deploy-20260101T000000Z-00000000 sleep 600")

    host.run("dpkg --remove vawsum-agent")
    assert host.run("systemctl list-units --no-legend 'vawsum-agent-deploy-2*'").stdout == ""
    assert not agent.host.is_active(UNIT)
    assert host.run(f"ls {SOCKET_PATH}", check=False).stdout == ""
    assert host.run("ls -d /opt/vawsum-agent /usr/bin/vawsum-agent", check=False).stdout == ""
    host.run(f"test -e {CONFIGURATION} && test -e /var/lib/vawsum-agent/state.db")

    host.run(f"dpkg --install {PACKAGES}/vawsum-agent_*.deb && systemctl is-enabled {UNIT}")
    host.run(f"systemctl is-enabled {HELPER_SOCKET}")
    agent.start()
    host.run(f"echo after >>{LOG}")
    host.wait_for("the line after", lambda: agent.sandbox.count(GROUP) == 2)
    assert agent.arrived(GROUP) == ["before", "after"]

    host.run("dpkg --purge vawsum-agent")
    left = (
        "/etc/vawsum-agent /var/lib/vawsum-agent /opt/vawsum-agent /etc/systemd/system/multi-user.target.wants/vawsum* "
        "/etc/systemd/system/sockets.target.wants/vawsum*"
    )
    assert host.run(f"ls -d {left}", check=False).stdout == ""
    host.run("getent passwd vawsum-agent")
