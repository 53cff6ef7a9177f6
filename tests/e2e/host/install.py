"""Installs the agent on a booted host as a package would: a venv of its own in /opt, unit, user, command."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.e2e.host.wheels import REPOSITORY

if TYPE_CHECKING:
    from tests.e2e.host.booted import BootedHost

LOCKED_WHEELS = "/mnt/locked-wheels"
AGENT_WHEEL = "/mnt/agent-wheel"
UNITS = (
    "vawsum-agent.service",
    "vawsum-agent-owner@.service",
    "vawsum-agent-owner@.socket",
    "vawsum-agent-deploy-recover.service",
)
INSTALL = f"""
set -e
python3 -m venv /opt/vawsum-agent
pip="/opt/vawsum-agent/bin/python -m pip install --quiet --no-index"
$pip --require-hashes --find-links {LOCKED_WHEELS} --requirement /usr/share/vawsum-agent/runtime.lock
$pip --no-deps {AGENT_WHEEL}/*.whl
ln -sf /opt/vawsum-agent/bin/vawsum-agent /usr/bin/vawsum-agent
systemd-sysusers vawsum-agent.conf
install --directory --mode=0750 --group=vawsum-agent /etc/vawsum-agent /etc/vawsum-agent/conf.d
systemctl daemon-reload
systemctl --quiet enable vawsum-agent-deploy-recover.service
"""


def install_agent(host: BootedHost) -> None:
    """Install the agent; it is neither configured nor started yet."""
    lock = REPOSITORY / "requirements" / "runtime.lock"
    host.write("/usr/share/vawsum-agent/runtime.lock", lock.read_text())
    for unit in UNITS:
        host.write(f"/usr/lib/systemd/system/{unit}", unit_text(unit))
    sysusers = REPOSITORY / "systemd" / "vawsum-agent.sysusers.conf"
    host.write("/usr/lib/sysusers.d/vawsum-agent.conf", sysusers.read_text())
    for example in (REPOSITORY / "etc/apache2").iterdir():
        host.write(f"/usr/share/vawsum-agent/etc/apache2/{example.name}", example.read_text())
    host.run(INSTALL, timeout_s=240)


def unit_text(unit: str = UNITS[0]) -> str:
    """A unit file; the daemon's unless another is named."""
    return (REPOSITORY / "systemd" / unit).read_text()
