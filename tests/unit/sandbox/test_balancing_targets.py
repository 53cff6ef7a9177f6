"""Targets come, drain and go as the load balancer's do; times are given."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox.aws.answers import ServiceError
from sandbox.aws.balancing.health import Health, Outcome
from sandbox.aws.balancing.hosts import Hosts
from sandbox.aws.balancing.target_group import GroupRules, TargetGroup, TargetKey
from sandbox.aws.balancing.targets import Targets
from sandbox.aws.metadata import Metadata
from sandbox.servers.nginx_balancer import Upstream, configuration

if TYPE_CHECKING:
    from pathlib import Path

A, B = TargetKey("i-0a", 8001), TargetKey("i-0b", 8002)


@pytest.fixture
def hosts() -> Hosts:
    """Two instances, the second of which listens at another port than its group says."""
    hosts = Hosts(Metadata())
    hosts.add("i-0a", "127.0.0.1", None)
    hosts.add("i-0b", "127.0.0.2", 9002)
    return hosts


@pytest.fixture
def targets(hosts: Hosts) -> Targets:
    """No group yet."""
    return Targets(hosts)


def a_group(targets: Targets, name: str = "web", **rules: object) -> TargetGroup:
    """Make a group with a delay of ten seconds and A and B in it, both healthy."""
    document = {"name": name, "deregistration_delay_s": 10, "interval_s": 1, **rules}
    group = targets.add(GroupRules.read(document), "http://127.0.0.1:7000")
    targets.register(group, [A, B])
    probe_all(targets, 0, Outcome(200))
    return group


def probe_all(targets: Targets, now: float, outcome: Outcome) -> int:
    """Have every probe that is due end so; return how many there were."""
    jobs = targets.take_probes(now)
    for job in jobs:
        targets.probed(job, outcome)
    return len(jobs)


def states(group: TargetGroup) -> list[str]:
    """Return the states of A and B."""
    return [group.health_of(key).state for key in (A, B)]


def test_draining_lasts_the_delay(targets: Targets) -> None:
    """A target that leaves gets no new requests at once, drains for the whole delay, and then is not registered."""
    group = a_group(targets)
    targets.deregister(group, [A], 100)
    assert states(group) == ["draining", "healthy"]
    assert group.routed() == (B,)
    targets.deregister(group, [A], 105)  # once more does not begin anew
    targets.settle(109.9)
    assert states(group) == ["draining", "healthy"]
    targets.settle(110)
    assert group.health_of(A).reason == "Target.NotRegistered"
    assert list(group.registrations) == [B]


def test_nobody_has_drained_whom_the_balancer_still_asks(targets: Targets) -> None:
    """However late the balancer takes it over, `unused` means that no request comes any more."""
    group = a_group(targets, deregistration_delay_s=0)
    targets.set_routed({group.url: frozenset({A, B})})
    targets.deregister(group, [A], 100)
    targets.settle(200)
    assert states(group) == ["draining", "healthy"]
    targets.set_routed({group.url: frozenset({B})})
    targets.settle(200)
    assert states(group) == ["unused", "healthy"]


def test_told_and_real_delay_may_differ(targets: Targets) -> None:
    """An hour's delay can be tested in a second; what is told is in whole seconds."""
    group = a_group(targets, deregistration_delay_s=3600, drains_in_s=1)
    targets.deregister(group, [A], 100)
    targets.settle(101)
    assert states(group) == ["unused", "healthy"]
    assert group.rules.told_delay_s == 3600
    assert GroupRules(name="x", deregistration_delay_s=0.5).told_delay_s == 1


def test_a_draining_target_comes_back(targets: Targets) -> None:
    """Registered again it begins anew, and a probe that was under way says nothing of it; who is there stays so."""
    group = a_group(targets)
    (under_way, _) = targets.take_probes(50)
    assert under_way.registration.key == A
    targets.deregister(group, [A], 100)
    targets.register(group, [A, B])
    assert states(group) == ["initial", "healthy"]
    targets.probed(under_way, Outcome(200))
    assert group.health_of(A).reason == "Elb.RegistrationInProgress"
    targets.settle(200)
    probe_all(targets, 200, Outcome(200))
    assert states(group)[0] == "healthy"


def test_unhealthy_targets_are_routed_to_when_there_is_nobody_else(targets: Targets) -> None:
    """The healthy get all requests; a group without any fails open, but never to those that drain."""
    group = a_group(targets, unhealthy_threshold_count=1)
    (job, _) = targets.take_probes(10)
    targets.probed(job, Outcome(500))
    assert states(group) == ["unhealthy", "healthy"]
    assert group.routed() == (B,)
    targets.deregister(group, [B], 20)
    assert group.routed() == (A,)
    targets.deregister(group, [A], 20)
    assert group.routed() == ()


def test_probes_are_due_once_an_interval(targets: Targets) -> None:
    """Nobody is asked twice at once, before the interval is over, or while leaving."""
    group = a_group(targets)
    assert probe_all(targets, 0.5, Outcome(200)) == 0
    assert len(targets.take_probes(1)) == 2
    assert targets.take_probes(5) == []
    targets.register(group, [TargetKey("i-0a", 8003)])
    assert [job.address for job in targets.take_probes(5)] == [("127.0.0.1", 8003)]


def test_groups_without_balancer_use_nobody(targets: Targets) -> None:
    """Their targets are `Target.NotInUse`, are never probed, and are gone as soon as they are deregistered."""
    group = a_group(targets, is_in_use=False)
    assert group.health_of(A).reason == "Target.NotInUse"
    assert targets.take_probes(1000) == []
    assert group.routed() == ()
    targets.deregister(group, [A], 0)
    assert list(group.registrations) == [B]


def test_ports_are_real_but_for_the_groups_own(targets: Targets) -> None:
    """The group's port stands for where the host listens; any other is where requests really go."""
    group = a_group(targets)
    targets.deregister(group, [A, B], 0)
    targets.settle(10)
    targets.register(group, [TargetKey("i-0a", 80), TargetKey("i-0b", 80), TargetKey("i-0b", 8080)])
    (route,) = targets.routes()
    assert route.addresses == ("127.0.0.1:80", "127.0.0.2:8080", "127.0.0.2:9002")


def test_only_running_instances_are_registered(targets: Targets, hosts: Hosts) -> None:
    """One that can't be registers none of them, in the service's words."""
    group = targets.add(GroupRules(name="web"))
    hosts.ended("i-0b")
    with pytest.raises(ServiceError, match=r"InvalidTarget: .*not in a running state.*'i-0b'"):
        targets.register(group, [A, B])
    with pytest.raises(ServiceError, match="InvalidTarget: The specified target does not exist"):
        targets.register(group, [A, TargetKey("i-0c", 80)])
    assert group.registrations == {}
    targets.deregister(group, [TargetKey("i-0c", 80)], 0)  # an unknown one is no error


def test_health_can_be_pinned(targets: Targets) -> None:
    """States that no probe brings about are there for who has to cope with them."""
    group = a_group(targets)
    targets.pin(group, "i-0a", Health("unavailable", "Target.HealthCheckDisabled"))
    assert states(group) == ["unavailable", "healthy"]
    assert set(group.routed()) == {A, B}
    targets.pin(group, "i-0a", Health("unhealthy.draining"))
    assert group.routed() == (B,)
    targets.pin(group, "i-0a", None)
    assert states(group) == ["healthy", "healthy"]


@pytest.mark.parametrize(
    "wrong", [{"name": "a_b"}, {"name": "x" * 33}, {"interval_s": 0.1}, {"health_path": "x"}, {"delay": 1}]
)
def test_senseless_groups_are_refused(wrong: dict[str, object]) -> None:
    """A mistake in a test's set-up shows at once."""
    with pytest.raises(ValueError, match=r"bad|unknown"):
        GroupRules.read({"name": "web", **wrong})


def test_nginx_is_told_honestly(tmp_path: Path) -> None:
    """No second try, nobody left out by nginx itself, and a 503 where there is nobody to ask."""
    text = configuration(
        tmp_path, [Upstream("web", 7000, ("127.0.0.1:1", "127.0.0.1:2")), Upstream("api", 7001, ())], is_root=False
    )
    assert "proxy_next_upstream off;" in text
    assert "server 127.0.0.1:1 max_fails=0; server 127.0.0.1:2 max_fails=0;" in text
    assert "upstream api" not in text
    assert "return 503;" in text
    assert "user" not in text.split("events")[0]
    assert text.count("{") == text.count("}")
