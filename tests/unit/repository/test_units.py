"""The units, as far as they can be judged without a systemd that runs."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from vawsum_agent.deploy.copies import COPIES

REPOSITORY = Path(__file__).parents[3]
UNITS = REPOSITORY / "systemd"

needs_analyze = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")


def instance(tmp_path: Path, kind: str) -> Path:
    """The owner's unit for one owner, with a command that is there."""
    text = (UNITS / f"vawsum-agent-owner@.{kind}").read_text()
    unit = tmp_path / f"vawsum-agent-owner@daemon.{kind}"
    unit.write_text(text.replace("/usr/bin/vawsum-agent owner-helper", "/bin/true"))
    return unit


@needs_analyze
def test_owners_helper_is_confined(tmp_path: Path) -> None:
    """`systemd-analyze security` rates the helper's exposure at 0.6 or lower."""
    analyze = ["systemd-analyze", "security", "--no-pager", "--offline=true", "--threshold=6"]
    rated = subprocess.run([*analyze, instance(tmp_path, "service")], capture_output=True, text=True, check=False)
    assert rated.returncode == 0, rated.stdout[-300:] + rated.stderr


@needs_analyze
def test_owners_units_are_sound(tmp_path: Path) -> None:
    """`systemd-analyze verify` has nothing to say about them: no misspelt or unknown directive."""
    units = [instance(tmp_path, kind) for kind in ("service", "socket")]
    said = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True, check=False
    )
    assert (said.returncode, said.stdout + said.stderr) == (0, "")


@needs_analyze
def test_the_recovery_of_deploys_is_sound(tmp_path: Path) -> None:
    """`systemd-analyze verify` has nothing to say about it: no unknown directive, no circle in the order."""
    text = (UNITS / "vawsum-agent-deploy-recover.service").read_text()
    unit = tmp_path / "vawsum-agent-deploy-recover.service"
    unit.write_text(text.replace("/usr/bin/vawsum-agent deploy recover", "/bin/true"))
    said = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True, check=False)
    assert (said.returncode, said.stdout + said.stderr) == (0, "")


def test_nothing_waits_for_the_recovery_of_deploys() -> None:
    """It is ordered before nothing but the shutdown, and by no default either; a boot is never held up by it."""
    lines = (UNITS / "vawsum-agent-deploy-recover.service").read_text().splitlines()
    assert [line for line in lines if line.startswith("Before=")] == ["Before=shutdown.target"]
    assert {"DefaultDependencies=no", "Type=oneshot", "TimeoutStartSec=infinity"} <= set(lines)


def test_recovery_shows_records_where_the_daemon_looks() -> None:
    """Systemd makes the folder, root's, and everybody may look into it."""
    lines = (UNITS / "vawsum-agent-deploy-recover.service").read_text().splitlines()
    assert {"User=root", f"StateDirectory={COPIES.name}", "StateDirectoryMode=0755"} <= set(lines)
    assert COPIES.parent == Path("/var/lib")


def test_every_unit_is_packaged() -> None:
    """What lies in systemd/ is in both packages."""
    description = (REPOSITORY / "packaging/package/nfpm.yaml").read_text()
    assert [path.name for path in UNITS.iterdir() if f"src: systemd/{path.name}\n" not in description] == []
