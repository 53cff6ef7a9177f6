"""Deploys on hosts that have peers: nobody's request fails, and each host is back exactly where it was."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.host.fleet import PAGES
from sandbox.host.steady_traffic import SteadyTraffic
from tests.counts import IS_SOAK, count
from tests.integration.deploy.deploying import FIRST, SECOND, DeployHost, publish, wait_until
from tests.integration.deploy.test_killed import ORDER, killed_at
from vawsum_agent.deploy.machine import End, Step

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sandbox import Sandbox

GROUP, HOSTS = "web", "hosts"
BAD = "20260909T000000Z-badbad0"
RULES: dict[str, Any] = {
    "interval_s": 0.2,
    "healthy_threshold_count": 2,
    "health_path": "/healthz",
    "deregistration_delay_s": 0.5,
}
STANDBY_DEEDS = ("EnterStandby", "ExitStandby")
DEEDS = ("DeregisterTargets", "RegisterTargets", *STANDBY_DEEDS)


pytestmark = pytest.mark.usefixtures("breaks_no_rule")


def ids(hosts: Sequence[DeployHost]) -> list[str]:
    """Their names."""
    return [one.host.instance_id for one in hosts]


def scaled(aws: Sandbox, hosts: Sequence[DeployHost], **rules: object) -> str:
    """Put hosts into service in an Auto Scaling group, behind a target group. Gives the balancer's URL for it."""
    url = aws.add_target_group(GROUP, **{**RULES, **rules}).url
    aws.add_scaling_group(HOSTS, ids(hosts), min_size=1, target_groups=[GROUP])
    aws.await_targets(GROUP, *ids(hosts))
    return url


def picture(aws: Sandbox, *groups: str) -> list[tuple[str, str, int, str]]:
    """Who is registered where, and how."""
    rows = [(group, row) for group in groups for row in aws.targets(group)]
    return sorted((group, row["instance_id"], row["port"], row["state"]) for group, row in rows)


def deeds(aws: Sandbox) -> set[str]:
    """What was asked of AWS that changes anybody's place."""
    return set(DEEDS) & set(aws.requests()["operations"])


def hooked(aws: Sandbox, release: str, name: str, run: str) -> str:
    """Publish a release with a hook."""
    publish(aws, release, {**PAGES, "deploy.toml": f"[hooks.{name}]\nrun = '{run}'\n"})
    return release


def noted(host: DeployHost, step: Step, phase: str = "begun") -> bool:
    """Whether the latest deploy has come so far."""
    lines = [line for record in host.records()[-1:] for line in record.lines]
    return any((line.step, line.phase) == (step, phase) for line in lines)


@pytest.mark.timeout(count(120, 1800))
@pytest.mark.parametrize("way", ["auto", pytest.param("deregister", marks=pytest.mark.soak)])
def test_steady_traffic(aws: Sandbox, running: list[DeployHost], way: str) -> None:
    """Three hosts, deploys one after another, releases good and bad, rollbacks: no request fails."""
    url = scaled(aws, running)
    before, group_before = picture(aws, GROUP), aws.scaling_group(HOSTS)
    publish(aws, BAD, {name: text for name, text in PAGES.items() if name != "healthz"})
    served = {f"{one} {FIRST}" for one in ids(running)}
    with SteadyTraffic(url, 40, "/slow.php?ms=30") as traffic:
        for number in range(count(1, 5)):
            release = f"202602{number + 2:02}T000000Z-2222222"
            publish(aws, release)
            for one in running:
                one.configure(f'drain = "{way}"')
                assert one.deploy(release).code == 0
                served.add(f"{one.host.instance_id} {release}")
            if IS_SOAK:
                last = running[number % len(running)]
                assert last.deploy(BAD).document["result"] == "taken back"
                assert last.run("deploy", "rollback", "--app", "web").code == 0
                assert last.deploy(release).code == 0
        wait_until(lambda: served <= set(traffic.seen), "each host has answered with each release")
    assert traffic.failures == [], traffic.report
    assert set(traffic.seen) == served
    assert (picture(aws, GROUP), aws.scaling_group(HOSTS)) == (before, group_before)
    # What the group has not registered yet when it lets the host in, the deploy registers.
    assert deeds(aws) - {"RegisterTargets"} == set(STANDBY_DEEDS if way == "auto" else ["DeregisterTargets"])


def test_the_last_healthy_host(aws: Sandbox, running: list[DeployHost]) -> None:
    """It is refused with a word about the target group, before anything is touched, and goes on serving."""
    url = aws.add_target_group(GROUP, **RULES).url
    aws.register_targets(GROUP, *((one.host.instance_id, one.host.port) for one in running))
    aws.await_targets(GROUP)
    last, *others = running
    for one in others:
        aws.pin_target(GROUP, one.host.instance_id, "unhealthy", "Target.FailedHealthChecks")
    before = picture(aws, GROUP)
    with SteadyTraffic(url, 20, "/slow.php?ms=5") as traffic:
        ended = last.deploy(SECOND)
    assert ended.code == 1
    assert (ended.document["result"], ended.document["failed_step"]) == ("taken back", Step.RECORD)
    assert f"refused: the last healthy host of target group {GROUP}" in ended.document["error"]
    assert ended.document["out_of_service_s"] is None
    assert (last.serves(), picture(aws, GROUP), deeds(aws)) == (FIRST, before, set())
    assert traffic.failures == [], traffic.report


def test_two_target_groups(aws: Sandbox, running: list[DeployHost]) -> None:
    """A host on two ports of one, and in another with a delay longer than any waiter, leaves and rejoins exactly those.

    One that no load balancer uses is among them.
    """
    host = running[0]
    groups = (GROUP, "admin", "spare")
    aws.add_target_group(GROUP, **RULES)
    aws.add_target_group("admin", **{**RULES, "deregistration_delay_s": 3600, "drains_in_s": 0.2})
    aws.add_target_group("spare", is_in_use=False)
    for one in running[:2]:
        aws.register_targets(GROUP, (one.host.instance_id, None), (one.host.instance_id, one.host.port))
        aws.register_targets("admin", (one.host.instance_id, one.host.port))
    aws.register_targets("spare", (host.host.instance_id, 8080))

    def all_well() -> bool:
        return [row[3] for row in picture(aws, *groups)].count("healthy") == 6

    wait_until(all_well, "all are healthy")
    before = picture(aws, *groups)
    release = hooked(aws, SECOND, "drained", "sleep 0.4")
    with host.start("deploy", "start", "--app", "web", "--release", release) as process:
        wait_until(lambda: noted(host, Step.HOOK_DRAINED), "it has left")
        away = picture(aws, *groups)
        out, error = process.communicate()
    assert (process.returncode, host.serves()) == (0, release), out + error
    assert away == [row for row in before if row[1] != host.host.instance_id]
    wait_until(all_well, "all are healthy again")
    assert picture(aws, *groups) == before


@pytest.mark.soak
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("drains_in_s", [2, 640])
def test_a_delay_longer_than_any_waiter(aws: Sandbox, running: list[DeployHost], drains_in_s: int) -> None:
    """It waits until the target has really left: long before an hour's delay is over, or long after waiters give up.

    Botocore's do after 600 s.
    """
    url = scaled(aws, running, deregistration_delay_s=3600, drains_in_s=drains_in_s)
    host, before = running[0], picture(aws, GROUP)
    host.configure('drain = "deregister"')
    start = ("deploy", "start", "--app", "web", "--release", SECOND)
    with SteadyTraffic(url, 10, "/slow.php?ms=5") as traffic, host.start(*start) as process:
        out, error = process.communicate(timeout=drains_in_s + 90)
    assert process.returncode == 0, out + error
    assert "expected in 3600 s" in error
    (record,) = host.records()
    left, gone = (line.at for line in record.lines if line.step == Step.DRAIN)
    assert drains_in_s <= gone - left <= drains_in_s + 12
    assert (host.serves(), picture(aws, GROUP)) == (SECOND, before)
    assert traffic.failures == [], traffic.report


@pytest.mark.parametrize(
    ("way", "step", "hook"),
    [
        ("auto", Step.HOOK_DRAINED, "drained"),
        pytest.param("auto", Step.DRAIN, "healthy", marks=pytest.mark.soak),
        pytest.param("deregister", Step.HOOK_DRAINED, "drained", marks=pytest.mark.soak),
        pytest.param("deregister", Step.DRAIN, "healthy", marks=pytest.mark.soak),
        pytest.param("auto", Step.HOOK_HEALTHY, "healthy", marks=pytest.mark.soak),
    ],
)
def test_scale_in(aws: Sandbox, running: list[DeployHost], way: str, step: Step, hook: str) -> None:
    """A host that its group ends amid a deploy: the deploy ends by itself, soon, and says why it did not come back."""
    scaled(aws, running, deregistration_delay_s=1.5 if step == Step.DRAIN else 0.2)
    host, *others = running
    host.configure(f'drain = "{way}"')
    release = hooked(aws, SECOND, hook, "sleep 0.4")
    with host.start("deploy", "start", "--app", "web", "--release", release, "--json") as process:
        wait_until(lambda: noted(host, step), f"it comes to {step}")
        aws.terminate(host.host.instance_id)
        out, error = process.communicate()
    (record,) = host.records()
    if step == Step.DRAIN:
        assert (process.returncode, record.end, record.failure and record.failure.step) == (1, End.TAKEN_BACK, step)
        assert host.serves() == FIRST
    else:
        # Whoever looks at the host once more finds it whole, and with what was wanted.
        assert (process.returncode, record.end, host.serves()) == (0, End.DEPLOYED, release), error
    assert "terminated" in out
    assert "nothing to come back to" in error
    wait_until(lambda: {row[1] for row in picture(aws, GROUP)} == set(ids(others)), "it is gone")
    group = aws.scaling_group(HOSTS)
    assert (group["desired_capacity"], set(group["instances"])) == (2, set(ids(others)))


@pytest.mark.parametrize("moment", ["drain begun", "switch done", "return begun"] if IS_SOAK else ["switch done"])
def test_killed_in_standby(aws: Sandbox, running: list[DeployHost], tmp_path: Path, moment: str) -> None:
    """After a crash amid standby, recovery brings it back: into service, with the desired capacity as it was."""
    scaled(aws, running)
    host = running[0]
    before, group_before = picture(aws, GROUP), aws.scaling_group(HOSTS)
    killed_at(host, replace(ORDER, release=SECOND), moment, tmp_path / "died")
    if moment == "switch done":
        group = aws.scaling_group(HOSTS)
        assert group["instances"][host.host.instance_id] == "Standby"
        assert group["desired_capacity"] == group_before["desired_capacity"] - 1
        assert host.serves() == SECOND
    ended = host.run("deploy", "recover", "--json")
    assert ended.code == 0, ended.error
    assert host.serves() == (SECOND if moment == "return begun" else FIRST)
    assert (picture(aws, GROUP), aws.scaling_group(HOSTS)) == (before, group_before)
