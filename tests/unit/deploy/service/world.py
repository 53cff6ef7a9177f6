"""An AWS in memory, with a clock of its own: what is asked takes its time, and whoever asks can be killed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vawsum_agent.aws.autoscaling import Membership
from vawsum_agent.aws.load_balancing import Target, TargetGroup, TargetHealth
from vawsum_agent.core.errors import NotFound, Rejected, Unavailable
from vawsum_agent.deploy.service.services import Services

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ME = "i-me"
GROUP = "web-asg"
HEALTHY_AFTER_S = 6.0
LAG_S = 3.0
"""How long the Auto Scaling group takes for a step."""


def arn(name: str) -> str:
    """Name a target group as AWS does."""
    return f"arn:aws:elasticloadbalancing:ap-south-1:123456789012:targetgroup/{name}/0123456789abcdef"


class Killed(BaseException):
    """SIGKILL: nothing catches it."""


@dataclass
class Entry:
    """One registration, and since when it is as it is."""

    state: str
    since: float = 0.0
    reason: str = ""


@dataclass
class Group:
    """A target group. ``becomes``: what a registered target ends as; ``slow_s``: beyond its delay."""

    name: str
    entries: dict[Target, Entry]
    delay_s: int = 300
    kind: str = "instance"
    vpc_id: str | None = "vpc-1"
    becomes: str = "healthy"
    slow_s: float = 0.0


@dataclass
class World:
    """Both services and the clock. ``is_running``: of this host; what does not run can't be registered."""

    groups: list[Group]
    attached: tuple[str, ...] = ()
    state: str | None = "InService"
    is_running: bool = True
    min_size: int = 0
    max_size: int = 9
    desired: int = 3
    time: float = 1_000_000.0
    said: list[str] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)
    dies: Callable[[str, int], str] = lambda _name, _number: ""
    """Given a call's name and its number among all: "before", "after" (killed), "lost" (done, but no answer), or ""."""

    later: list[tuple[float, Callable[[], None]]] = field(default_factory=list)
    since: float = 0.0

    # the clock

    def now(self) -> float:
        """See `Clock.now`."""
        return self.time

    def monotonic(self) -> float:
        """See `Clock.monotonic`."""
        return self.time

    def sleep(self, wait_s: float) -> None:
        """Let time pass, and what was to happen happen."""
        assert wait_s > 0
        until = self.time + wait_s
        while due := [one for one in self.later if one[0] <= until]:
            first = min(due, key=lambda one: one[0])
            self.later.remove(first)
            self.time = max(self.time, first[0])
            first[1]()
            self._settle()
        self.time = until
        self._settle()

    def say(self, text: str) -> None:
        """Hear a progress line."""
        self.said.append(text)

    @property
    def services(self) -> Services:
        """As the code under test is given them."""
        return Services(self, self)

    def at(self, wait_s: float, deed: Callable[[], None]) -> None:
        """Have something happen later."""
        self.later.append((self.time + wait_s, deed))

    def _settle(self) -> None:
        for group in self.groups:
            for target, entry in list(group.entries.items()):
                if entry.state == "draining" and self.time >= entry.since + group.delay_s + group.slow_s:
                    del group.entries[target]
                elif entry.state == "initial" and self.time >= entry.since + HEALTHY_AFTER_S:
                    entry.state, entry.reason = group.becomes, ""
        mine = [target for group in self._attached() for target in group.entries if target.target_id == ME]
        if self.state == "EnteringStandby" and self.time >= self.since + LAG_S:
            for group in self._attached():
                self._leave(group, [target for target in group.entries if target.target_id == ME])
            if not mine:
                self.state = "Standby"
        if self.state == "Pending" and self.time >= self.since + LAG_S:
            self.state = "InService"
            for group in self._attached():
                self._join(group, [Target(ME, 80)])

    def _attached(self) -> list[Group]:
        return [group for group in self.groups if group.name in self.attached]

    def _join(self, group: Group, targets: Sequence[Target]) -> None:
        for target in targets:
            if group.entries.get(target, Entry("draining")).state == "draining":
                unused = group.becomes == "unused"
                group.entries[target] = (
                    Entry("unused", self.time, "Target.NotInUse") if unused else Entry("initial", self.time)
                )

    def _leave(self, group: Group, targets: Sequence[Target]) -> None:
        for target in targets:
            entry = group.entries.get(target)
            if entry is None or entry.state == "draining":
                continue
            if entry.state == "unused" or group.delay_s == 0:
                del group.entries[target]
            else:
                group.entries[target] = Entry("draining", self.time)

    # the services

    def _called(self, name: str, deed: Callable[[], None] = lambda: None) -> None:
        fate = self.dies(name, self.calls.total())
        self.calls[name] += 1
        if fate == "before":
            raise Killed
        deed()
        if fate == "after":
            raise Killed
        if fate == "lost":
            raise Unavailable(f"{name}: no usable answer", operation=name)

    def _group(self, group_arn: str) -> Group:
        for group in self.groups:
            if arn(group.name) == group_arn:
                return group
        raise NotFound(f"{group_arn}: TargetGroupNotFound", code="TargetGroupNotFound")

    def target_groups(self) -> list[TargetGroup]:
        """See `Balancing.target_groups`."""
        self._called("target_groups")
        return [TargetGroup(arn(group.name), group.kind, group.vpc_id) for group in self.groups]

    def target_health(self, group_arn: str) -> list[TargetHealth]:
        """See `Balancing.target_health`."""
        self._called("target_health")
        rows = self._group(group_arn).entries.items()
        return [TargetHealth(target, entry.state, entry.reason) for target, entry in rows]

    def deregistration_delay_s(self, group_arn: str) -> int:
        """See `Balancing.deregistration_delay_s`."""
        self._called("deregistration_delay_s")
        return self._group(group_arn).delay_s

    def register(self, group_arn: str, targets: Sequence[Target]) -> None:
        """See `Balancing.register`."""
        if not self.is_running:
            raise Rejected(f"{ME} is not in a running state and cannot be registered", code="InvalidTarget")
        self._called("register", lambda: self._join(self._group(group_arn), targets))

    def deregister(self, group_arn: str, targets: Sequence[Target]) -> None:
        """See `Balancing.deregister`."""
        self._called("deregister", lambda: self._leave(self._group(group_arn), targets))

    def membership(self, instance_id: str) -> Membership | None:
        """See `Scaling.membership`."""
        assert instance_id == ME
        self._called("membership")
        return Membership(GROUP, self.state) if self.state is not None else None

    def attached_target_groups(self, group: str) -> list[str]:
        """See `Scaling.attached_target_groups`."""
        assert group == GROUP
        self._called("attached_target_groups")
        return [arn(name) for name in self.attached]

    def enter_standby(self, group: str, instance_id: str) -> None:
        """See `Scaling.enter_standby`."""
        assert (group, instance_id) == (GROUP, ME)
        self._called("enter_standby", self._enter)

    def exit_standby(self, group: str, instance_id: str) -> None:
        """See `Scaling.exit_standby`."""
        assert (group, instance_id) == (GROUP, ME)
        self._called("exit_standby", self._exit)

    def _enter(self) -> None:
        if self.state != "InService":
            raise Rejected(f"The instance {ME} is not in InService.", code="ValidationError")
        if self.desired - 1 < self.min_size:
            raise Rejected(self._sizes("place into standby"), code="ValidationError")
        self.desired -= 1
        self.state, self.since = "EnteringStandby", self.time

    def _exit(self) -> None:
        if self.state != "Standby":
            raise Rejected(f"The instance {ME} is not in Standby.", code="ValidationError")
        if self.desired + 1 > self.max_size:
            raise Rejected(self._sizes("exit standby"), code="ValidationError")
        self.desired += 1
        self.state, self.since = "Pending", self.time

    def _sizes(self, what: str) -> str:
        sizes = f"min-size={self.min_size}, max-size={self.max_size}, and desired-size={self.desired}"
        return f"AutoScalingGroup {GROUP} has {sizes}. To {what} 1 instance, please update the sizes appropriately."

    # what a test compares

    def picture(self) -> tuple[object, ...]:
        """All that a deploy must not have changed when it is over."""
        targets = {
            (group.name, target): entry.state for group in self.groups for target, entry in group.entries.items()
        }
        return (targets, self.state, self.desired)

    def mine(self, name: str) -> list[str]:
        """The states of this host's registrations in a target group."""
        (group,) = (group for group in self.groups if group.name == name)
        return [entry.state for target, entry in group.entries.items() if target.target_id == ME]


def group(name: str, *ports: int, peers: int = 2, delay_s: int = 300, state: str = "healthy") -> Group:
    """Make a target group with this host on some ports, and healthy peers on port 80."""
    others = {Target(f"i-peer{number}", 80): Entry("healthy") for number in range(peers)}
    reason = "Target.NotInUse" if state == "unused" else ""
    mine = {Target(ME, port): Entry(state, 0.0, reason) for port in ports}
    return Group(name, {**mine, **others}, delay_s, becomes="unused" if state == "unused" else "healthy")


def in_asg(**settings: object) -> World:
    """This host in an Auto Scaling group attached to one target group, and registered in another by hand."""
    world = World([group("web", 80), group("admin", 80, 8080, delay_s=30)], attached=("web",))
    for name, value in settings.items():
        setattr(world, name, value)
    return world


def left_out() -> World:
    """The same, and attached to one more target group, out of which somebody took this host."""
    world = in_asg(attached=("web", "old"))
    world.groups.append(group("old", delay_s=0))
    return world


def alone(**settings: object) -> World:
    """This host in no Auto Scaling group, in two target groups, in one of them on two ports."""
    return in_asg(attached=(), state=None, **settings)
