"""The dimensions of the host: learned without holding anything up, and without a storm of questions."""

from __future__ import annotations

from collections import Counter

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


def test_else_auto_scaling_is_asked() -> None:
    """Without tags in the metadata the service is asked, and then once an hour or two."""
    groups = Groups("web")
    dimensions, clock = host(Metadata(**{"instance-id": "i-0abc"}), groups)
    run(dimensions, clock, 60)
    assert (dimensions.group(), groups.questions) == ("web", 1)
    run(dimensions, clock, 86_400)
    assert 12 <= groups.questions <= 25


def test_an_instance_changes_its_group() -> None:
    """Attached, moved and detached: within two hours its metrics have the dimension that is right now."""
    groups = Groups(None)
    dimensions, clock = host(Metadata(**{"instance-id": "i-0abc"}), groups)
    for group in (None, "web", "canary", None, "web"):
        groups.group = group
        run(dimensions, clock, 7200)
        assert dimensions.group() == group


def test_who_does_not_answer_takes_no_group_away() -> None:
    """Asked again and refused, or without metadata for a while: the group that is known stays, and is no problem."""
    metadata, groups = Metadata(**{"instance-id": "i-0abc"}), Groups("web")
    dimensions, clock = host(metadata, groups)
    run(dimensions, clock, 60)
    groups.error = AccessDenied("no")
    run(dimensions, clock, 7200)
    entries, metadata.entries = metadata.entries, {}
    run(dimensions, clock, 7200)
    assert groups.questions > 1
    assert (dimensions.group(), dimensions.problem) == ("web", None)
    metadata.entries, groups.error, groups.group = entries, None, "canary"
    run(dimensions, clock, 7200)
    assert dimensions.group() == "canary"


def test_hosts_do_not_ask_again_all_at_once() -> None:
    """A hundred that were launched together: no minute of the next two hours has more than ten of their questions."""
    minutes: Counter[int] = Counter()
    for number in range(100):
        clock, groups = HandClock(), Groups("web")
        dimensions = HostDimensions(BOTH, f"i-{number:08x}", Metadata(**{"instance-id": "i-0abc"}), groups, clock)
        dimensions.look()
        for minute in range(1, 120):
            clock.advance(60)
            before = groups.questions
            dimensions.look()
            minutes[minute] += groups.questions - before
    assert max(minutes.values()) <= 10


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
    run(dimensions, clock, 5)
    assert dimensions.dimensions() == (("InstanceId", "i-0abc"),)


def test_a_missing_permission_is_told_late_and_well_again_soon() -> None:
    """A role that comes two minutes late is no problem; one that stays without it is, and a minute after it is mended
    all is well.
    """  # noqa: D205 - one sentence
    groups = Groups(error=AccessDenied("no"))
    dimensions, clock = host(Metadata(**{"instance-id": "i-0abc"}), groups)
    run(dimensions, clock, 119)
    assert dimensions.problem is None
    run(dimensions, clock, 7200)
    assert dimensions.problem is groups.error
    assert groups.questions >= 7200 / 61
    groups.error, groups.group = None, "web"
    run(dimensions, clock, 61)
    assert (dimensions.group(), dimensions.problem) == ("web", None)


def test_a_permission_is_asked_for_often_also_after_hours_without_metadata() -> None:
    """Metadata that came late does not leave the group for later."""
    metadata, groups = Metadata(), Groups(error=AccessDenied("no"))
    dimensions, clock = host(metadata, groups)
    run(dimensions, clock, 4 * 3600)
    metadata.entries["instance-id"] = "i-0abc"
    run(dimensions, clock, 3700)
    before = groups.questions
    run(dimensions, clock, 600)
    assert groups.questions - before >= 9


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
