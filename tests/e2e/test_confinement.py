"""What the daemon's unit lets a process do on a booted host, tried by a process that runs in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.host.install import unit_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.host.booted import BootedHost

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]  # the first one may have to build the host

CAP_DAC_READ_SEARCH = 1 << 2
EPERM = 1
# Everything of the unit stays as it is, but what it runs.
RUN_PROBE = """
[Service]
Type=oneshot
Restart=no
WatchdogSec=0
ExecStart=
ExecStart=/opt/vawsum-agent/bin/python /usr/local/lib/probe.py
"""
SECRETS = (
    "/etc/shadow",
    "/etc/ssh/ssh_host_key",
    "/etc/ssl/private/site.key",
    "/root/.aws/credentials",
    "/home/admin/.ssh/id_rsa",
    "/var/lib/mysql/app/users.ibd",
    "/var/www/app/shared/.env",
    "/var/lib/cloud/instance/user-data.txt",
)
LOGS = ("/var/log/apache2/other.log", "/var/log/mysql/error.log", "/var/log/closed/app.log")
WRITTEN = (
    "/var/lib/vawsum-agent/x",
    "/run/vawsum-agent/x",
    "/etc/vawsum-agent/x",
    "/etc/cron.d/x",
    "/var/log/x",
    "/opt/vawsum-agent/x",
    "/usr/bin/x",
    "/var/www/x",
)
OUTCOME = "/var/lib/vawsum-agent/probed.json"


@pytest.fixture(scope="module")
def probed(booted_host: BootedHost) -> Iterator[dict[str, dict[str, str]]]:
    """What the probe could do and could not."""
    for path in (*SECRETS, *LOGS):
        if path != "/etc/shadow":
            booted_host.write(path, "content\n", mode=0o600)
    booted_host.write("/usr/local/lib/probe.py", (Path(__file__).parent / "probe.py").read_text())
    wanted = {"read": [*SECRETS, *LOGS], "write": WRITTEN, "outcome": OUTCOME}
    booted_host.write("/usr/local/lib/probe.json", json.dumps(wanted))
    booted_host.write("/etc/systemd/system/probe.service", unit_text())
    booted_host.write("/etc/systemd/system/probe.service.d/probe.conf", RUN_PROBE)
    booted_host.run("systemctl daemon-reload && systemctl start probe.service || journalctl -u probe --no-pager >&2")
    yield json.loads(booted_host.read(OUTCOME))
    booted_host.run("rm -r /root/.aws")  # or what root does in other tests would find it


def test_logs_of_any_mode_are_readable(probed: dict[str, dict[str, str]]) -> None:
    """The daemon reads logs that only root may read, in folders that only root may enter."""
    assert {path: probed["read"][path] for path in LOGS} == dict.fromkeys(LOGS, "done")


def test_secrets_are_out_of_reach(probed: dict[str, dict[str, str]]) -> None:
    """Passwords, keys, the database's files and the application are out of the daemon's reach, whatever it may read."""
    assert [path for path in SECRETS if probed["read"][path] == "done"] == []


def test_writes_only_its_own_folders(probed: dict[str, dict[str, str]]) -> None:
    """The daemon can write its state and its socket, and changes no file of others."""
    assert [path for path, outcome in probed["write"].items() if outcome == "done"] == [
        "/var/lib/vawsum-agent/x",
        "/run/vawsum-agent/x",
    ]


def test_holds_one_capability(probed: dict[str, dict[str, str]]) -> None:
    """CAP_DAC_READ_SEARCH is all the privilege there is, and all that can ever be gained."""
    masks = {name: int(mask, 16) for name, mask in probed["capabilities"].items()}
    assert masks == dict.fromkeys(("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"), CAP_DAC_READ_SEARCH)


def test_no_way_around_the_hidden_paths(probed: dict[str, dict[str, str]]) -> None:
    """open_by_handle_at(2), with which the capability opens any inode, is refused; so is writable code."""
    assert probed["calls"]["open_by_handle_at"] == f"errno {EPERM}"
    assert probed["calls"]["mmap write+exec"] != "done"
    assert probed["calls"]["internet"] == "done"


def test_systemd_rates_it_as_confined(booted_host: BootedHost) -> None:
    """`systemd-analyze security` rates the unit's exposure at 1.8 or lower."""
    booted_host.run("systemd-analyze security --no-pager --threshold=18 vawsum-agent.service")


def test_unit_file_is_sound(booted_host: BootedHost) -> None:
    """`systemd-analyze verify` has nothing to say about the unit: no misspelt or unknown directive."""
    said = booted_host.run("systemd-analyze verify --man=no vawsum-agent.service")
    assert said.stdout + said.stderr == ""
