"""How long is waited, who this host is to a target group, and how long it was away."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vawsum_agent.aws.load_balancing import Target, TargetGroup
from vawsum_agent.core.errors import AccessDenied, AwsError, Rejected, Throttled
from vawsum_agent.deploy.service.host import Host, this_host
from vawsum_agent.deploy.service.outage import out_of_service_s
from vawsum_agent.deploy.service.patience import patiently, pause_s
from vawsum_agent.deploy.service.places import group_name


@given(st.floats(0, 10_000), st.floats(0, 3600))
def test_pauses_are_gentle(waited_s: float, expected_s: float) -> None:
    """One to ten seconds."""
    assert 1.0 <= pause_s(waited_s, expected_s) <= 10.0


@given(st.floats(0, 3600), st.floats(0, 20))
def test_the_end_of_a_delay_is_noticed_soon(delay_s: float, late_s: float) -> None:
    """Whatever the delay and however late AWS is, it is seen within a few seconds of coming true."""
    true_at, at, looks = delay_s + late_s, 0.0, 0
    while at < true_at:
        at += pause_s(at, delay_s)
        looks += 1
    assert at - true_at <= (1.0 if late_s < 10 else 4.0) + 1e-6
    assert looks < 450


class Answers:
    """Raises its errors one after the other, then answers."""

    def __init__(self, *errors: AwsError) -> None:
        self.errors = list(errors)
        self.slept: list[float] = []

    def __call__(self) -> str:
        """Be asked."""
        if self.errors:
            raise self.errors.pop(0)
        return "well"


def test_throttling_is_sat_out() -> None:
    """With pauses that grow; what is not allowed, or makes no sense, is not asked for twice."""
    answers = Answers(*[Throttled("no")] * 6)
    assert patiently(answers, answers.slept.append) == "well"
    assert all(later > earlier / 2 for earlier, later in pairwise(answers.slept))
    assert 5 < sum(answers.slept) < 60
    for error in (AccessDenied("no"), Rejected("no")):
        with pytest.raises(type(error)):
            patiently(Answers(error), answers.slept.append)
    with pytest.raises(Throttled):
        patiently(Answers(*[Throttled("no")] * 7), answers.slept.append)


class Metadata:
    """A metadata service."""

    def __init__(self, **entries: str) -> None:
        self._entries = {name.replace("__", "/").replace("_", "-"): text for name, text in entries.items()}

    def get(self, entry: str) -> str | None:
        """See `InstanceMetadata.get`."""
        return self._entries.get(entry)


def test_addresses() -> None:
    """All of all interfaces, however they are written, in this host's own network."""
    metadata = Metadata(
        local_ipv4="10.0.0.10",
        network__interfaces__macs__="0e:1/\n0e:2/",
        **{
            "network__interfaces__macs__0e:1__local_ipv4s": "10.0.0.10\n10.0.0.11",
            "network__interfaces__macs__0e:2__ipv6s": "2406:DA1A:0:0::1",
            "network__interfaces__macs__0e:2__vpc_id": "vpc-1",
        },
    )
    host = this_host("i-me", metadata)
    assert host == Host("i-me", frozenset({"10.0.0.10", "10.0.0.11", "2406:da1a::1"}), "vpc-1")
    here, there = TargetGroup("arn:a", "ip", "vpc-1"), TargetGroup("arn:b", "ip", "vpc-2")
    assert host.is_target(here, Target("2406:da1a:0::1", 80))
    assert not host.is_target(there, Target("10.0.0.10", 80))
    assert not host.is_target(here, Target("10.0.0.12", 80))
    assert not host.is_target(here, Target("i-me", 80))
    assert host.is_target(TargetGroup("arn:c", "instance", "vpc-2"), Target("i-me", 80))


def test_without_metadata() -> None:
    """The interfaces tell; an address that every host has is none."""
    addresses = this_host("i-me", Metadata()).addresses
    assert not {"127.0.0.1", "::1", ""} & addresses


def test_how_long_it_was_away() -> None:
    """Known when it left and came back; a clock that was set back makes no negative time."""
    assert out_of_service_s(100.0, 130.5) == 30.5
    assert out_of_service_s(100.0, 90.0) == 0.0
    assert out_of_service_s(None, 90.0) is out_of_service_s(100.0, None) is None


def test_names_of_target_groups() -> None:
    """Read from the ARN; what is none is shown as it is."""
    assert group_name("arn:aws:elasticloadbalancing:r:1:targetgroup/web/0123") == "web"
    assert group_name("web") == "web"
