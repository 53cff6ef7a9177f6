"""The dimensions of the host: learned without holding anything up, and without a storm of questions."""

from __future__ import annotations

from tests.unit.metrics.clocks import HandClock
from vawsum_agent.core.errors import AccessDenied
from vawsum_agent.metrics.publish.host import HostDimensions

BOTH = ["InstanceId", "AutoScalingGroupName"]
TAG = "tags/instance/aws:autoscaling:groupName"


class Metadata:
    """Instance metadata from a dictionary; counts questions."""

    def __init__(self, **entries: str) -> None:
        self.entries = dict(entries)
        self.questions = 0

    def get(self, entry: str) -> str | None:
        """See `Metadata.get`."""
        self.questions += 1
        return self.entries.get(entry)


class Groups:
    """Auto Scaling, as asked for one instance."""

    def __init__(self, group: str | None = None, error: Exception | None = None) -> None:
        self.group = group
        self.error = error
        self.questions = 0

    def __call__(self, _instance_id: str) -> str | None:
        """Name the group."""
        self.questions += 1
        if self.error is not None:
            raise self.error
        return self.group


def host(metadata: Metadata, groups: Groups, wanted: list[str] | None = None) -> tuple[HostDimensions, HandClock]:
    """Make one, and its clock."""
    clock = HandClock()
    return HostDimensions(wanted or BOTH, "i-0abc", metadata, groups, clock), clock


def run(dimensions: HostDimensions, clock: HandClock, seconds: int) -> None:
    """Let the publisher look once a second."""
    for _ in range(seconds):
        dimensions.look()
        clock.advance(1)


def test_the_group_is_read_from_the_tags_where_they_are_shown() -> None:
    """Where instance metadata shows tags, nobody else is asked."""
    groups = Groups()
    dimensions, _ = host(Metadata(**{"instance-id": "i-0abc", TAG: "web"}), groups)
    dimensions.look()
    assert dimensions.dimensions() == (("InstanceId", "i-0abc"), ("AutoScalingGroupName", "web"))
    assert groups.questions == 0


def test_else_auto_scaling_is_asked_once() -> None:
    """Without tags in the metadata the service is asked; what it says holds for the life of the process."""
    groups = Groups("web")
    dimensions, clock = host(Metadata(**{"instance-id": "i-0abc"}), groups)
    run(dimensions, clock, 7200)
    assert dimensions.group() == "web"
    assert groups.questions == 1


def test_an_instance_without_a_group_has_no_such_dimension() -> None:
    """The dimension is left out; data do not wait for it."""
    dimensions, _ = host(Metadata(**{"instance-id": "i-0abc"}), Groups(None))
    dimensions.look()
    assert dimensions.dimensions() == (("InstanceId", "i-0abc"),)


def test_a_laptop() -> None:
    """When there is no instance metadata, then the host name serves, without a group and without a retry storm."""
    metadata, groups = Metadata(), Groups("web")
    dimensions, clock = host(metadata, groups)
    run(dimensions, clock, 61)
    assert dimensions.dimensions() == (("InstanceId", "i-0abc"),)
    run(dimensions, clock, 86_400)
    assert metadata.questions <= 30
    assert groups.questions == 0


def test_data_wait_a_little_for_the_group() -> None:
    """Alarms match exact sets: while the group is being learned nothing is published, for a minute at most."""
    metadata, groups = Metadata(**{"instance-id": "i-0abc"}), Groups(error=AccessDenied("no"))
    dimensions, clock = host(metadata, groups)
    run(dimensions, clock, 59)
    assert dimensions.dimensions() is None
    assert dimensions.problem is groups.error
    run(dimensions, clock, 5)
    assert dimensions.dimensions() == (("InstanceId", "i-0abc"),)
    groups.error, groups.group = None, "web"
    run(dimensions, clock, 3600)
    assert dimensions.group() == "web"
    assert dimensions.problem is None


def test_further_dimensions_come_in_the_order_configured() -> None:
    """ImageId and InstanceType are added where an alarm's set has them."""
    metadata = Metadata(**{"instance-id": "i-0abc", "ami-id": "ami-1", "instance-type": "t3.small", TAG: "web"})
    dimensions, _ = host(metadata, Groups(), ["ImageId", "InstanceId", "InstanceType", "AutoScalingGroupName"])
    dimensions.look()
    assert dimensions.dimensions() == (
        ("ImageId", "ami-1"),
        ("InstanceId", "i-0abc"),
        ("InstanceType", "t3.small"),
        ("AutoScalingGroupName", "web"),
    )


def test_what_was_found_once_stays() -> None:
    """While the group can't be learned, a metadata service that does not answer for once takes nothing away."""
    metadata = Metadata(**{"instance-id": "i-0abc", "ami-id": "ami-1"})
    dimensions, clock = host(metadata, Groups(error=AccessDenied("no")), ["ImageId", "AutoScalingGroupName"])
    run(dimensions, clock, 61)
    assert dimensions.dimensions() == (("ImageId", "ami-1"),)
    metadata.entries.clear()
    run(dimensions, clock, 3600)
    assert dimensions.dimensions() == (("ImageId", "ami-1"),)


def test_a_host_by_itself_asks_nobody() -> None:
    """With InstanceId as the only dimension nothing is asked and nothing waits."""
    metadata = Metadata()
    dimensions, _ = host(metadata, Groups(), ["InstanceId"])
    dimensions.look()
    assert dimensions.dimensions() == (("InstanceId", "i-0abc"),)
    assert metadata.questions == 0
