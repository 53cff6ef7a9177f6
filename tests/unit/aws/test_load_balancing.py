"""What is asked of Elastic Load Balancing and Auto Scaling over HTTP, and what their answers become."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

import botocore.session
import pytest

from vawsum_agent.aws.autoscaling import AutoScaling, Membership, group_of_instance
from vawsum_agent.aws.load_balancing import LoadBalancing, Target, TargetGroup, TargetHealth
from vawsum_agent.aws.session import AwsSession
from vawsum_agent.core.errors import AccessDenied, NotFound, Rejected, Throttled, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Service(ThreadingHTTPServer):
    """Gives its answers one after the other, and remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: list[tuple[int, str]] = []
        self.requests: list[dict[str, str]] = []

    def answer(self, operation: str, result: str = "") -> None:
        """Add an answer that is well."""
        body = f"<{operation}Result>{result}</{operation}Result>"
        self.answers.append((200, f"<{operation}Response>{body}</{operation}Response>"))

    def refuse(self, status: int, code: str) -> None:
        """Add an answer that is not."""
        error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>no</Message></Error>"
        self.answers.append((status, f"<ErrorResponse>{error}<RequestId>1</RequestId></ErrorResponse>"))


class _Handler(BaseHTTPRequestHandler):
    server: Service

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.requests.append({name: value for name, value in parse_qsl(body) if name != "Version"})
        status, text = self.server.answers.pop(0)
        self.send_response(status)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serving(folder: Path) -> Iterator[tuple[Service, AwsSession]]:
    """Run a service, with a session that knows no other."""
    with Service() as service:
        thread = threading.Thread(target=service.serve_forever, args=(0.01,))
        thread.start()
        (folder / "config").write_text(f"[default]\nendpoint_url = http://127.0.0.1:{service.server_port}\n")
        session = botocore.session.Session()
        session.set_config_variable("config_file", str(folder / "config"))
        session.set_credentials("AKIDEXAMPLE", "secret")
        yield service, AwsSession(session, "ap-south-1")
        service.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, LoadBalancing, AutoScaling, AwsSession]]:
    """Both clients, made once: making one takes longer than all that is asked of it."""
    with serving(tmp_path_factory.mktemp("aws")) as (service, session):
        balancing, scaling = LoadBalancing(session), AutoScaling(session)
        yield service, balancing, scaling, session
        balancing.close()
        scaling.close()


Both = tuple[Service, LoadBalancing, AutoScaling, AwsSession]


def test_target_groups_of_hosts(both: Both) -> None:
    """All pages; those of functions and of other load balancers hold no hosts."""
    service, balancing, _, _ = both
    row = "<member><TargetGroupArn>arn:{0}</TargetGroupArn><TargetType>{1}</TargetType><VpcId>vpc-1</VpcId></member>"
    first = row.format("a", "instance") + row.format("f", "lambda").replace("<VpcId>vpc-1</VpcId>", "")
    service.answer("DescribeTargetGroups", f"<TargetGroups>{first}</TargetGroups><NextMarker>m</NextMarker>")
    service.answer("DescribeTargetGroups", f"<TargetGroups>{row.format('b', 'ip')}</TargetGroups>")
    assert balancing.target_groups() == [TargetGroup("arn:a", "instance", "vpc-1"), TargetGroup("arn:b", "ip", "vpc-1")]
    assert [request.get("Marker") for request in service.requests[-2:]] == [None, "m"]


def test_a_listing_that_goes_in_circles_ends(both: Both) -> None:
    """The same page twice is no answer."""
    service, balancing, _, _ = both
    for _ in range(2):
        service.answer("DescribeTargetGroups", "<TargetGroups/><NextMarker>m</NextMarker>")
    with pytest.raises(Unavailable):
        balancing.target_groups()


def test_target_health(both: Both) -> None:
    """Every target with its port, its zone where it has one, and the reason of its state."""
    service, balancing, _, _ = both
    service.answer(
        "DescribeTargetHealth",
        "<TargetHealthDescriptions>"
        "<member><Target><Id>i-1</Id><Port>80</Port></Target><TargetHealth><State>healthy</State></TargetHealth></member>"
        "<member><Target><Id>10.0.0.1</Id><Port>81</Port><AvailabilityZone>all</AvailabilityZone></Target><TargetHealth>"
        "<State>unhealthy</State><Reason>Target.Timeout</Reason><Description>slow</Description></TargetHealth></member>"
        "</TargetHealthDescriptions>",
    )
    assert balancing.target_health("arn:a") == [
        TargetHealth(Target("i-1", 80), "healthy"),
        TargetHealth(Target("10.0.0.1", 81, "all"), "unhealthy", "Target.Timeout", "slow"),
    ]
    assert service.requests[-1] == {"Action": "DescribeTargetHealth", "TargetGroupArn": "arn:a"}


def test_deregistration_delay(both: Both) -> None:
    """As the group has it; AWS's default where it does not say."""
    service, balancing, _, _ = both
    row = "<member><Key>deregistration_delay.timeout_seconds</Key><Value>3600</Value></member>"
    service.answer("DescribeTargetGroupAttributes", f"<Attributes>{row}</Attributes>")
    service.answer("DescribeTargetGroupAttributes", "<Attributes/>")
    assert [balancing.deregistration_delay_s("arn:a") for _ in range(2)] == [3600, 300]


def test_registering_says_exactly_who(both: Both) -> None:
    """Id and port, and the zone only where there is one: AWS refuses it of an instance."""
    service, balancing, _, _ = both
    targets = [Target("i-1", 80), Target("10.0.0.1", 81, "all")]
    for operation, call in (("RegisterTargets", balancing.register), ("DeregisterTargets", balancing.deregister)):
        service.answer(operation)
        call("arn:a", targets)
        assert service.requests[-1] == {
            "Action": operation,
            "TargetGroupArn": "arn:a",
            "Targets.member.1.Id": "i-1",
            "Targets.member.1.Port": "80",
            "Targets.member.2.Id": "10.0.0.1",
            "Targets.member.2.Port": "81",
            "Targets.member.2.AvailabilityZone": "all",
        }


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (400, "TargetGroupNotFound", NotFound),
        (400, "InvalidTarget", Rejected),
        (400, "Throttling", Throttled),
        (403, "AccessDenied", AccessDenied),
        (500, "HealthUnavailable", Unavailable),
    ],
)
def test_errors(both: Both, status: int, code: str, expected: type[Exception]) -> None:
    """By their kind; a group that was deleted is not found, and a permission is named as a policy does."""
    service, balancing, _, _ = both
    service.refuse(status, code)
    with pytest.raises(expected) as caught:
        balancing.target_health("arn:a")
    assert "DescribeTargetHealth on arn:a" in str(caught.value)
    assert (expected is AccessDenied) == ("elasticloadbalancing:DescribeTargetHealth" in str(caught.value))


def test_membership(both: Both) -> None:
    """The group and the state in AWS's words; None in no group."""
    service, _, scaling, session = both
    member = "<AutoScalingGroupName>web</AutoScalingGroupName><LifecycleState>InService</LifecycleState>"
    found = f"<AutoScalingInstances><member>{member}</member></AutoScalingInstances>"
    for result in (found, "<AutoScalingInstances/>", found):
        service.answer("DescribeAutoScalingInstances", result)
    assert scaling.membership("i-1") == Membership("web", "InService")
    assert scaling.membership("i-1") is None
    assert group_of_instance(session, "i-1") == "web"


def test_attached_target_groups(both: Both) -> None:
    """Those that all hosts of the group are in by now, or none."""
    service, _, scaling, _ = both
    states = ("Adding", "Added", "InService", "Removing")
    rows = "".join(f"<member><Identifier>arn:{state}</Identifier><State>{state}</State></member>" for state in states)
    service.answer("DescribeTrafficSources", f"<TrafficSources>{rows}</TrafficSources>")
    assert scaling.attached_target_groups("web") == ["arn:Added", "arn:InService"]
    asked = {"AutoScalingGroupName": "web", "TrafficSourceType": "elbv2"}
    assert service.requests[-1] == {"Action": "DescribeTrafficSources", **asked}
    service.answer("DescribeTrafficSources")
    assert scaling.attached_target_groups("web") == []


def test_standby(both: Both) -> None:
    """The group wants one host less meanwhile, so that it launches none; a group being changed may be asked again."""
    service, _, scaling, _ = both
    service.answer("EnterStandby")
    scaling.enter_standby("web", "i-1")
    asked = {"AutoScalingGroupName": "web", "InstanceIds.member.1": "i-1"}
    assert service.requests[-1] == {"Action": "EnterStandby", "ShouldDecrementDesiredCapacity": "true", **asked}
    service.answer("ExitStandby")
    scaling.exit_standby("web", "i-1")
    assert service.requests[-1] == {"Action": "ExitStandby", **asked}
    service.refuse(500, "ResourceContention")
    with pytest.raises(Unavailable) as caught:
        scaling.exit_standby("web", "i-1")
    assert caught.value.maybe_done
