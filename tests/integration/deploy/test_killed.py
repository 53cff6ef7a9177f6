"""`kill -9` after each note of the journal: the next start ends in the old or the new release, whole and in service."""

from __future__ import annotations

import os
import signal
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from sandbox.host.fleet import PAGES
from tests.counts import IS_SOAK
from tests.integration.deploy.deploying import AGENT, FIRST, SECOND, DeployHost, publish, wait_until
from vawsum_agent.cli.deploy_follow import arguments
from vawsum_agent.deploy.machine import FORWARD, End, Step
from vawsum_agent.deploy.order import Order
from vawsum_agent.deploy.record import Record

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox import Sandbox

DYING = "tests/integration/deploy/dying"
BAD = "20260505T000000Z-5555555"
BACK = (Step.SWITCH_BACK, Step.RELOAD_BACK, Step.PROVE_BACK, Step.RETURN_BACK, Step.HOOK_FAILED, Step.CLEAR)

FORTH_MOMENTS = [f"{step} {phase}" for step in FORWARD for phase in ("begun", "done")]
BACK_MOMENTS = [f"{step} {phase}" for step in BACK for phase in ("begun", "done")]

ORDER = Order(deploy_id="20261129T080000Z-0011aabb", app="web", kind="start", release=SECOND)


def killed_at(host: DeployHost, order: Order, moment: str, died: Path) -> None:
    """Deploy as the service does, and die."""
    environment = host.host.environment() | {"PYTHONPATH": os.path.abspath(DYING), "DIES_AT": moment, "DIED": str(died)}  # noqa: PTH100
    work = subprocess.run(
        [AGENT, *arguments(host.config, order)], env=environment, capture_output=True, check=False, timeout=90
    )
    assert work.returncode == -signal.SIGKILL, work.stderr.decode()


def expect_whole(aws: Sandbox, host: DeployHost, release: str, before: dict[str, str]) -> None:
    """It is served, by PHP too, and the host is registered and healthy as before."""
    assert (host.serves(), host.answer()) == (release, f"{host.host.instance_id} {release}")
    aws.await_targets("web", host.host.instance_id)
    assert aws.target_states("web") == before
    assert host.journal.unfinished() == []


def is_finished(moment: str) -> bool:
    """Whether the release was proven and on its way into service by then, so that it is not taken back."""
    return FORTH_MOMENTS.index(moment) >= FORTH_MOMENTS.index(f"{Step.RETURN} begun")


@pytest.mark.parametrize("moment", FORTH_MOMENTS if IS_SOAK else ["drain begun", "switch done", "return begun"])
def test_killed_on_the_way(aws: Sandbox, balanced: list[DeployHost], tmp_path: Path, moment: str) -> None:
    """Recovery, as at boot, takes it back, or finishes it once it was proven and on its way into service."""
    host, before = balanced[0], aws.target_states("web")
    killed_at(host, ORDER, moment, tmp_path / "died")
    ended = host.run("deploy", "recover", "--json")
    assert ended.code == 0, ended.error
    (record,) = host.records()
    assert record.end == (End.DEPLOYED if is_finished(moment) else End.TAKEN_BACK)
    expect_whole(aws, host, SECOND if is_finished(moment) else FIRST, before)


@pytest.mark.parametrize("moment", BACK_MOMENTS if IS_SOAK else ["switch back done", "return back begun"])
def test_killed_on_the_way_back(aws: Sandbox, balanced: list[DeployHost], tmp_path: Path, moment: str) -> None:
    """The next deploy first takes back what was left, and then deploys."""
    host, before = balanced[0], aws.target_states("web")
    publish(aws, BAD, {name: text for name, text in PAGES.items() if name != "healthz"})
    killed_at(host, replace(ORDER, release=BAD), moment, tmp_path / "died")
    ended = host.deploy(SECOND)
    assert ended.code == 0, ended.error
    assert [record.end for record in host.records()] == [End.TAKEN_BACK, End.DEPLOYED]
    expect_whole(aws, host, SECOND, before)


@pytest.mark.parametrize("moment", FORTH_MOMENTS if IS_SOAK else ["reload begun"])
def test_a_rollback_is_killed(aws: Sandbox, balanced: list[DeployHost], tmp_path: Path, moment: str) -> None:
    """A rollback is finished or taken back like any deploy."""
    host, before = balanced[0], aws.target_states("web")
    host.journal.prepare()
    served = Record(deploy_id="20261101T080000Z-0011aabb", app="web", kind="start", release=SECOND, began_at=0.0)
    host.journal.close(served, End.DEPLOYED)
    killed_at(host, replace(ORDER, kind="rollback"), moment, tmp_path / "died")
    assert host.run("deploy", "recover").code == 0
    expect_whole(aws, host, SECOND if is_finished(moment) else FIRST, before)


def test_the_command_is_killed(aws: Sandbox, balanced: list[DeployHost]) -> None:
    """SSM cancels by SIGKILL to the command's process group: the deploy goes on by itself, to its end."""
    host, before = balanced[0], aws.target_states("web")
    command = subprocess.Popen(
        [AGENT, "deploy", "start", "--app", "web", "--release", SECOND, "--config", str(host.config)],
        env=host.host.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    wait_until(lambda: any(line.step == Step.DRAIN for record in host.records() for line in record.lines), "it drains")
    os.killpg(command.pid, signal.SIGKILL)
    command.wait()
    wait_until(lambda: host.records()[0].end, "it ends")
    assert host.records()[0].end == End.DEPLOYED
    expect_whole(aws, host, SECOND, before)


def test_the_work_is_killed(aws: Sandbox, balanced: list[DeployHost], tmp_path: Path) -> None:
    """The command that follows sees its work die, has it go on from the journal, and tells how that ended."""
    host, before = balanced[0], aws.target_states("web")
    environment = {"PYTHONPATH": os.path.abspath(DYING), "DIES_AT": "switch done", "DIED": str(tmp_path / "died")}  # noqa: PTH100
    ended = host.deploy(SECOND, **environment)
    assert (ended.code, ended.document["result"]) == (1, "taken back")
    assert "killed" in ended.error
    expect_whole(aws, host, FIRST, before)
