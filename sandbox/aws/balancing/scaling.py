"""Auto Scaling groups: who is in service, in standby, or on the way out, and what that does to target groups."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal, Self

from sandbox.aws.account import ACCOUNT_ID, REGION
from sandbox.aws.answers import ServiceError
from sandbox.aws.balancing.target_group import TargetKey

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sandbox.aws.balancing.hosts import Hosts
    from sandbox.aws.balancing.target_group import TargetGroup
    from sandbox.aws.balancing.targets import Targets

LifecycleState = Literal["Pending", "InService", "EnteringStandby", "Standby", "Terminating"]


@dataclass(slots=True, kw_only=True)
class ScalingGroup:
    """An Auto Scaling group.

    Attributes:
        name: its name.
        min_size: fewer than this it never wants.
        max_size: more than this it never wants.
        desired_capacity: how many instances in service it wants; None: as many as it begins with. None is ever
            launched: the sandbox has no machines to start.
        target_groups: names of those attached.
        pending_s: how long an instance that leaves standby is `Pending` before it is registered and in service.
        states: instance id → where it is.
        pending_until: instance id → when it is in service.
    """

    name: str
    min_size: int = 0
    max_size: int = 100
    desired_capacity: int = 0
    target_groups: tuple[str, ...] = ()
    pending_s: float = 0.2
    states: dict[str, LifecycleState] = field(default_factory=dict)
    pending_until: dict[str, float] = field(default_factory=dict)

    @classmethod
    def read(cls, document: dict[str, Any]) -> Self:
        """Read a group as the admin API gets it, with its `instances`.

        Raises:
            ValueError: a key is unknown, or the sizes make no sense.
        """
        known = {entry.name for entry in fields(cls)} - {"states", "pending_until"} | {"instances"}
        if unknown := set(document) - known:
            message = f"unknown keys {sorted(unknown)}; known are {sorted(known)}"
            raise ValueError(message)
        instances = document.pop("instances", [])
        wanted = document.pop("desired_capacity", None)
        group = cls(**{**document, "target_groups": tuple(document.get("target_groups", ()))})
        group.desired_capacity = len(instances) if wanted is None else wanted
        group.states = dict.fromkeys(instances, "InService")
        if not group.name or not 0 <= group.min_size <= group.desired_capacity <= group.max_size:
            message = f"bad group {group.name!r}: {group.min_size} <= {group.desired_capacity} <= {group.max_size}?"
            raise ValueError(message)
        return group

    @property
    def arn(self) -> str:
        """The group's ARN."""
        number = "00000000-0000-4000-8000-000000000001"
        return f"arn:aws:autoscaling:{REGION}:{ACCOUNT_ID}:autoScalingGroup:{number}:autoScalingGroupName/{self.name}"

    def check_state(self, instance_ids: Iterable[str], wanted: LifecycleState) -> None:
        """Refuse, in the service's words, unless all of these are in the group and in this state."""
        for instance_id in instance_ids:
            if instance_id not in self.states:
                raise refused(f"The instance {instance_id} is not part of Auto Scaling group {self.name}.")
            if self.states[instance_id] != wanted:
                raise refused(f"The instance {instance_id} is not in {wanted}.")

    def check_size(self, change: int, purpose: str) -> None:
        """Refuse, in the service's words, to want fewer or more than the group may."""
        if self.min_size <= self.desired_capacity + change <= self.max_size:
            return
        count = f"{abs(change)} instance{'s' if abs(change) > 1 else ''}"
        raise refused(
            f"AutoScalingGroup {self.name} has min-size={self.min_size}, max-size={self.max_size}, and "
            f"desired-size={self.desired_capacity}. To {purpose} {count}, please update the AutoScalingGroup sizes "
            "appropriately."
        )


class ScalingGroups:
    """All Auto Scaling groups.

    Attributes:
        hosts: the instances there are.
        lock: that of the target groups, since what one does the other must see.
    """

    def __init__(self, targets: Targets, hosts: Hosts) -> None:
        self.hosts = hosts
        self.lock = targets.changed
        self._targets = targets
        self._groups: dict[str, ScalingGroup] = {}

    def add(self, group: ScalingGroup) -> None:
        """Make a group, its instances in service and registered with the target groups attached.

        Raises:
            ValueError: the name is taken, an instance is in another group, or something named does not exist.
        """
        with self.lock:
            if group.name in self._groups:
                message = f"there is a group {group.name!r} already"
                raise ValueError(message)
            for instance_id in group.states:
                self.hosts.get(instance_id)
                if other := self.group_of(instance_id):
                    message = f"{instance_id} is in group {other.name!r}"
                    raise ValueError(message)
            attached = self._attached(group)
            self._groups[group.name] = group
            for instance_id in group.states:
                self._join(instance_id, attached)

    def clear(self) -> None:
        """Forget all groups."""
        with self.lock:
            for group in self._groups.values():
                for instance_id in group.states:
                    self.hosts.set_lifecycle(instance_id, None)
            self._groups.clear()

    def groups(self) -> list[ScalingGroup]:
        """Return all groups, by name."""
        with self.lock:
            return [self._groups[name] for name in sorted(self._groups)]

    def find(self, name: str) -> ScalingGroup | None:
        """Return a group, if there is one of this name."""
        with self.lock:
            return self._groups.get(name)

    def named(self, name: str) -> ScalingGroup:
        """Return a group, or raise the service's error."""
        group = self.find(name)
        if group is None:
            raise refused(f"AutoScalingGroup name not found - AutoScalingGroup '{name}' not found")
        return group

    def target_group_arns(self, group: ScalingGroup) -> list[str]:
        """Return the ARNs of the target groups attached."""
        with self.lock:
            return [one.rules.arn for one in self._attached(group)]

    def group_of(self, instance_id: str) -> ScalingGroup | None:
        """Return the group that an instance is in."""
        with self.lock:
            return next((group for group in self._groups.values() if instance_id in group.states), None)

    def enter_standby(self, name: str, instance_ids: list[str], now: float, *, decrements: bool) -> None:
        """Take instances out of service: they leave the attached target groups, then are in standby."""
        with self.lock:
            group = self.named(name)
            group.check_state(instance_ids, "InService")
            if decrements:
                group.check_size(-len(instance_ids), "place into standby")
                group.desired_capacity -= len(instance_ids)
            for instance_id in instance_ids:
                group.states[instance_id] = "EnteringStandby"
                self.hosts.set_lifecycle(instance_id, "Standby")
                self._leave(instance_id, self._attached(group), now)

    def exit_standby(self, name: str, instance_ids: list[str], now: float) -> None:
        """Bring instances back: pending first, then registered with the attached target groups and in service."""
        with self.lock:
            group = self.named(name)
            group.check_state(instance_ids, "Standby")
            group.check_size(len(instance_ids), "place into service")
            group.desired_capacity += len(instance_ids)
            for instance_id in instance_ids:
                group.states[instance_id] = "Pending"
                group.pending_until[instance_id] = now + group.pending_s
                self.hosts.set_lifecycle(instance_id, "InService")

    def terminate(self, instance_id: str, now: float, *, decrements: bool = True, checks_size: bool = False) -> None:
        """Begin to terminate an instance; one that is in no group is gone at once, one that is on its way stays so."""
        with self.lock:
            group = self.group_of(instance_id)
            if group is None:
                self._end(instance_id)
                return
            state = group.states[instance_id]
            if state == "Terminating":
                return
            # In standby, its place was given up when it went there.
            if decrements and state in {"InService", "Pending"}:
                if checks_size and group.desired_capacity - 1 < group.min_size:
                    raise refused(
                        f"Currently, desiredSize equals minSize ({group.min_size}). Terminating instance without "
                        "replacement will violate group's min size constraint. Either set "
                        "shouldDecrementDesiredCapacity flag to false or lower group's min size."
                    )
                group.desired_capacity -= 1
            group.states[instance_id] = "Terminating"
            group.pending_until.pop(instance_id, None)
            self.hosts.set_lifecycle(instance_id, "Terminated")
            self._leave(instance_id, self._attached(group), now)

    def settle(self, now: float) -> None:
        """Let those go on that have waited long enough."""
        with self.lock:
            for group in self._groups.values():
                for instance_id, state in list(group.states.items()):
                    self._settle_one(group, instance_id, state, now)

    def _settle_one(self, group: ScalingGroup, instance_id: str, state: LifecycleState, now: float) -> None:
        attached = self._attached(group)
        has_left = not any(one.keys_of(instance_id) for one in attached)
        if state == "EnteringStandby" and has_left:
            group.states[instance_id] = "Standby"
        elif state == "Terminating" and has_left:
            del group.states[instance_id]
            self._end(instance_id)
        elif state == "Pending" and group.pending_until[instance_id] <= now:
            del group.pending_until[instance_id]
            group.states[instance_id] = "InService"
            self._join(instance_id, attached)

    def _attached(self, group: ScalingGroup) -> list[TargetGroup]:
        return [self._targets.named(name) for name in group.target_groups]

    def _join(self, instance_id: str, attached: list[TargetGroup]) -> None:
        self.hosts.set_lifecycle(instance_id, "InService")
        for one in attached:
            self._targets.register(one, [TargetKey(instance_id, one.rules.port)])

    def _leave(self, instance_id: str, attached: list[TargetGroup], now: float) -> None:
        for one in attached:
            self._targets.deregister(one, one.keys_of(instance_id), now)

    def _end(self, instance_id: str) -> None:
        self.hosts.ended(instance_id)
        self._targets.drop_instance(instance_id)


def refused(message: str) -> ServiceError:
    """Return the error for what a group can't do just now; the client could not know, so it breaks no rule."""
    return ServiceError("InvalidParameterException", message)
