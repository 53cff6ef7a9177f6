"""Images on a booted host: the daemon that may not write, the owner's helper that does, and systemd between them."""

from __future__ import annotations

import json
import random
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sandbox.client import Sandbox
from tests.counts import count
from tests.e2e.agent_on_host import CONFIGURATION, UNIT
from tests.e2e.conftest import IAM
from tests.e2e.host.install import unit_text
from tests.e2e.images_on_host import (
    BUCKET,
    FOLDER,
    HELPER,
    HELPER_SOCKET,
    OPEN_FOLDERS,
    OWNER,
    QUARANTINE,
    SOCKET_PATH,
    ImagesOnHost,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.host.booted import BootedHost

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]  # the first one may have to build the host

BINARY = "/opt/vawsum-agent/bin/vawsum-agent"
ASK = f"""
from vawsum_agent.config.model import ImagesFolder
from vawsum_agent.images.remove import HelperRemover, RemoverError
try:
    print(HelperRemover().recover(ImagesFolder(name="app", path="{FOLDER}", bucket="{BUCKET}", owner="{OWNER}")))
except RemoverError as error:
    print(error.message)
"""
RUN_PROBE = """
[Service]
Type=oneshot
Restart=no
ExecStart=
ExecStart=/opt/vawsum-agent/bin/python /usr/local/lib/probe.py
"""
SECRETS = ("/var/lib/vawsum-agent/state.db", "/etc/vawsum-agent/mysql.cnf", "/home/site/key", "/etc/shadow")
CLOSED = (
    "/var/log/site",
    "/var/cache/site",
    "/var/spool/site",
    "/run/site",
    "/home/site",
    "/etc/site",
    "/usr/local/site",
)
"""Folders of the owner's all the same."""


@pytest.fixture
def images(booted_host: BootedHost) -> Iterator[ImagesOnHost]:
    """A site that takes pictures, and the agent, with the rights of the shipped policy; nothing is set up yet."""
    with Sandbox.start(policy=IAM / "images.json") as sandbox:
        booted_host.run("rm -rf /var/lib/vawsum-agent/* /etc/vawsum-agent/conf.d/*")
        yield ImagesOnHost(booted_host, sandbox)
        bugs = booted_host.run(
            f"journalctl --no-pager --quiet -u {UNIT} -u {HELPER} | grep bug_contained || true"
        ).stdout
        booted_host.run(f"systemctl disable --quiet --now {HELPER_SOCKET} {UNIT}; rm -f {OPEN_FOLDERS}", check=False)
        booted_host.run(f"systemctl kill --signal=KILL {HELPER}; systemctl reset-failed", check=False)
        booted_host.run("systemctl daemon-reload; journalctl --quiet --rotate --vacuum-time=1s", check=False)
    assert bugs == ""


def test_pictures_move(images: ImagesOnHost) -> None:
    """What the site takes is in the bucket a moment later and not on the disk, though the daemon may write nowhere."""
    images.set_up()
    images.start()
    images.upload("first", 60)
    images.assert_everything_moves()
    images.upload("second", 60)
    images.assert_everything_moves()
    assert images.folder_status()["moved_count"] == 120
    assert images.host.run(f"stat --format='%U %a' {FOLDER}/{QUARANTINE}").stdout == f"{OWNER} 700\n"
    assert images.host.run(f"find {FOLDER}/first -mindepth 1").stdout.count("\n") == 7  # folders stay
    running = images.host.run("ps -C vawsum-agent -o user:32=").stdout.split()
    assert sorted(running) == ["vawsum-agent", OWNER]


def test_files_of_others_stay(images: ImagesOnHost) -> None:
    """What is not the owner's alone stays as it is, is counted by reason, and keeps nothing else from moving."""
    names = ["roots.jpg", "linked.jpg", "link.jpg", "page.php"]
    images.upload("site", 1)
    images.host.run(
        f"""cd {FOLDER} && set -e
        cp site/0/*.jpg roots.jpg; cp site/0/*.jpg linked.jpg; cp site/0/*.jpg page.php
        chown {OWNER} linked.jpg page.php; ln linked.jpg ../linked.jpg; ln -s /etc/passwd link.jpg
        sha256sum /etc/passwd {" ".join(names)} >../before"""
    )
    images.set_up()
    images.start()
    images.upload("more", 20)
    images.assert_everything_moves(left=frozenset(names))
    images.host.run(f"cd {FOLDER} && sha256sum --quiet --check ../before && test -L link.jpg")
    assert images.folder_status()["refused"] == {"hardlink": 1, "other-extension": 1, "other-owner": 1, "symlink": 1}


def test_killed_at_any_moment(images: ImagesOnHost) -> None:
    """When daemon and helper are killed again and again, then no picture is ever nowhere, and all arrive once."""
    images.set_up(directives=("RestartSec=100ms",))
    images.start()
    dice = random.Random(1)
    for turn in range(count(12, 300)):
        images.upload(f"turn-{turn}", 40)
        time.sleep(dice.uniform(0.0, 2.0))
        killed = dice.choice([UNIT, HELPER, f"{UNIT} {HELPER}"])
        images.host.run(
            f"systemctl kill --signal=KILL {killed}", check=False
        )  # the helper may have been killed already
        assert images.lost() == []
    images.assert_everything_moves()
    assert len(images.sandbox.versions(BUCKET)) == len(images.uploaded)


def test_helper_that_can_not_start(images: ImagesOnHost) -> None:
    """While the helper can't be started, systemd goes on trying at its ease; once it can, pictures go."""
    images.set_up()
    images.start()
    failed = f"journalctl --no-pager --quiet -u {HELPER} | grep -c 'status=203/EXEC' || true"
    images.host.run(f"mv {BINARY} {BINARY}.away; systemctl stop {HELPER}")
    try:
        began = time.monotonic()
        images.upload("site", 20)
        images.host.wait_for("seven starts", lambda: int(images.host.run(failed).stdout) >= 7, timeout_s=90)
        assert int(images.host.run(failed).stdout) <= 2 * (time.monotonic() - began) + 2
        assert len(images.on_disk()) == 20
    finally:
        images.host.run(f"mv {BINARY}.away {BINARY}")
    images.assert_everything_moves()


def test_power_cut(images: ImagesOnHost) -> None:
    """When the power fails while pictures move, then daemon and socket come up with the host and go on."""
    images.set_up()
    images.host.run(f"systemctl enable --quiet {UNIT}")
    images.start()
    for turn in range(count(1, 20)):
        images.upload(f"cut-{turn}", 300)
        images.host.wait_for("the first to move", lambda: len(images.in_bucket()) > 300 * turn)  # noqa: B023 - at once
        images.host.reboot(power_cut=True)
        assert images.lost() == []
        images.host.wait_for("the agent after the boot", lambda: images.host.is_active(UNIT))
        images.assert_everything_moves()


def test_doctors_remedies(images: ImagesOnHost) -> None:
    """Where only the configuration is written, doctor's remedies, run as they are, do all that is missing."""
    images.configure(images.configuration())
    images.start()
    images.upload("site", 20)
    found = [row for row in images.doctor() if row["severity"] == "problem"]
    assert {row["where"] for row in found} == {FOLDER, f"removal from {FOLDER}"}
    for row in found:
        images.host.run(row["remedy"])
    images.assert_everything_moves()
    # How Apache is told depends on the site; doctor can't do it, and that pictures move does not hang on it.
    assert [(row["severity"], row["where"]) for row in images.doctor()] == [("warning", "/uploads/")]


def test_only_the_daemon_may_ask(images: ImagesOnHost) -> None:
    """Neither the site nor anybody else gets at the helper's socket; who does all the same is not answered."""
    images.set_up()
    images.start()  # waits for its state folder, and the helper for the configuration
    images.host.write("/usr/local/lib/ask.py", ASK)

    def ask(user: str) -> str:
        return images.host.run(f"runuser -u {user} -- /opt/vawsum-agent/bin/python /usr/local/lib/ask.py").stdout

    assert ask("vawsum-agent") == ask("root") == "0\n"
    for user in ("nobody", OWNER):
        assert "Permission denied" in ask(user)
    images.host.run(f"chmod 0666 {SOCKET_PATH}")
    assert "hung up without an answer" in ask("nobody")
    told = f"journalctl --no-pager --quiet -u {HELPER} | grep removal_peer_refused || true"
    images.host.wait_for("a word of it in the log", lambda: '"uid":65534' in images.host.run(told).stdout)


def test_what_the_helper_may_do(images: ImagesOnHost) -> None:
    """The helper reads the configuration and writes where uploads are; all else that its user owns is closed to it."""
    images.set_up()
    images.start()
    images.stop()
    for secret in SECRETS[1:3]:
        images.host.write(secret, "secret\n", mode=0o640, owner=f"{OWNER}:vawsum-agent")
    images.host.run(f"install -d -o {OWNER} {' '.join(CLOSED)}")
    outcome = f"{FOLDER}/probed.json"
    wanted = {
        "read": [CONFIGURATION, *SECRETS],
        "write": [f"{folder}/x" for folder in (FOLDER, *CLOSED)],
        "outcome": outcome,
    }
    images.host.write("/usr/local/lib/probe.py", (Path(__file__).parent / "probe.py").read_text())
    images.host.write("/usr/local/lib/probe.json", json.dumps(wanted))
    images.host.write("/etc/systemd/system/probe@.service", unit_text("vawsum-agent-owner@.service"))
    images.host.write("/etc/systemd/system/probe@.service.d/probe.conf", RUN_PROBE)
    images.host.run(f"systemctl daemon-reload && systemctl start probe@{OWNER} || journalctl -u probe@{OWNER} >&2")

    probed = json.loads(images.host.read(outcome))
    assert [path for path, said in probed["read"].items() if said == "done"] == [CONFIGURATION]
    assert [path for path, said in probed["write"].items() if said == "done"] == [f"{FOLDER}/x"]
    assert {int(mask, 16) for mask in probed["capabilities"].values()} == {0}
    assert [call for call, said in probed["calls"].items() if said == "done"] == []


def test_units_are_sound_and_confined(images: ImagesOnHost) -> None:
    """With the folders opened, systemd rates the daemon at 1.8 or lower and the helper at 0.6, and finds no mistake."""
    images.set_up()
    for unit, threshold in ((UNIT, 18), (HELPER, 6)):
        images.host.run(f"systemd-analyze security --no-pager --threshold={threshold} {unit}")
    said = images.host.run(f"systemd-analyze verify --man=no {UNIT} {HELPER} {HELPER_SOCKET}")
    assert said.stdout + said.stderr == ""
