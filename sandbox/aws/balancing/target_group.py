"""One target group: its rules, and who is registered with it. Times are given; nothing here waits or locks."""

from __future__ import annotations

import hashlib
import math
import re
from dataclasses import dataclass, fields
from typing import Any, NamedTuple, Self

from sandbox.aws.account import ACCOUNT_ID, REGION
from sandbox.aws.balancing.health import (
    DRAINING,
    LAST_RESORT_STATES,
    NOT_IN_USE,
    NOT_REGISTERED,
    REGISTERING,
    ROUTED_STATES,
    Health,
)

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,30}[A-Za-z0-9])?")
LEAST_INTERVAL_S = 0.2
_ARN_HEAD = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT_ID}"


class TargetKey(NamedTuple):
    """What is registered: an instance at a port."""

    instance_id: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRules:
    """How a target group was made.

    Attributes:
        name: as in its ARN.
        port: where targets get requests that were registered without one. See `Hosts.locate`.
        is_in_use: whether a load balancer routes to it.
        deregistration_delay_s: what its attribute says, in whole seconds, and how long `draining` lasts.
        drains_in_s: how long it really lasts, where that is not what the attribute says.
        slow_start_s: what its attribute says; the balancer knows of no slow start.
        health_path: what probes ask for.
        health_port: `traffic-port`, or a number.
        matcher: the statuses that are well.
        interval_s: between two probes of a target; 0.2 at least.
        timeout_s: of a probe.
        healthy_threshold_count: successes in a row that make an unhealthy target healthy.
        unhealthy_threshold_count: failures in a row that make it unhealthy.
    """

    name: str
    port: int = 80
    is_in_use: bool = True
    deregistration_delay_s: float = 300.0
    drains_in_s: float | None = None
    slow_start_s: int = 0
    health_path: str = "/"
    health_port: str = "traffic-port"
    matcher: str = "200"
    interval_s: float = 30.0
    timeout_s: float = 5.0
    healthy_threshold_count: int = 5
    unhealthy_threshold_count: int = 2

    @classmethod
    def read(cls, document: dict[str, Any]) -> Self:
        """Read a group as the admin API gets it.

        Raises:
            ValueError: a key is unknown or a value makes no sense.
        """
        unknown = set(document) - {entry.name for entry in fields(cls)}
        if unknown:
            message = f"unknown keys {sorted(unknown)}; known are {[entry.name for entry in fields(cls)]}"
            raise ValueError(message)
        rules = cls(**document)
        if not _NAME.fullmatch(rules.name):
            message = f"bad name of a target group: {rules.name!r}"
            raise ValueError(message)
        if rules.interval_s < LEAST_INTERVAL_S or rules.timeout_s <= 0 or not rules.health_path.startswith("/"):
            message = f"bad health checks: every {rules.interval_s} s within {rules.timeout_s} s, {rules.health_path!r}"
            raise ValueError(message)
        return rules

    @property
    def arn(self) -> str:
        """The group's ARN, the same for the same name."""
        return f"{_ARN_HEAD}:targetgroup/{self.name}/{_number(self.name)}"

    @property
    def load_balancer_arns(self) -> list[str]:
        """The balancer that routes to it, if one does."""
        return [f"{_ARN_HEAD}:loadbalancer/app/sandbox/{_number('sandbox')}"] if self.is_in_use else []

    @property
    def delay_s(self) -> float:
        """How long a target is really draining."""
        return self.deregistration_delay_s if self.drains_in_s is None else self.drains_in_s

    @property
    def told_delay_s(self) -> int:
        """What the attribute says: whole seconds, never fewer than it lasts by the rules."""
        return math.ceil(self.deregistration_delay_s)


def _number(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:16]


@dataclass(slots=True)
class Registration:
    """A target from the moment it is registered until it is forgotten.

    Attributes:
        key: what is registered.
        health: what probes say.
        pinned: what the service says instead, whatever probes say.
        drains_until: when draining ends; None while it isn't leaving.
        probe_at: when to ask it next.
        is_probed: whether it is being asked.
    """

    key: TargetKey
    health: Health = REGISTERING
    pinned: Health | None = None
    drains_until: float | None = None
    probe_at: float = 0.0
    is_probed: bool = False


class TargetGroup:
    """A target group. Its owner holds the lock."""

    def __init__(self, rules: GroupRules, url: str = "") -> None:
        self.rules = rules
        self.url = url
        self.registrations: dict[TargetKey, Registration] = {}

    def register(self, key: TargetKey) -> None:
        """Register a target: a new one begins, one that drains begins again, one that is there stays as it is."""
        known = self.registrations.get(key)
        if known is None or known.drains_until is not None:
            # Another object: a probe that is still under way speaks of the registration before.
            self.registrations.pop(key, None)
            self.registrations[key] = Registration(key)

    def deregister(self, key: TargetKey, now: float) -> None:
        """Let a target drain; one that gets no requests anyway is forgotten at once, an unknown one is nothing."""
        known = self.registrations.get(key)
        if known is None or known.drains_until is not None:
            return
        if self.rules.is_in_use:
            known.drains_until = now + self.rules.delay_s
        else:
            del self.registrations[key]

    def keys_of(self, instance_id: str) -> list[TargetKey]:
        """Return what an instance is registered as, draining or not."""
        return [key for key in self.registrations if key.instance_id == instance_id]

    def health_of(self, key: TargetKey) -> Health:
        """Return a target's health as the service tells it."""
        known = self.registrations.get(key)
        if known is None:
            return NOT_REGISTERED
        if not self.rules.is_in_use:
            return NOT_IN_USE
        if known.pinned is not None:
            return known.pinned
        return known.health if known.drains_until is None else DRAINING

    def forget_drained(self, now: float, still_routed: frozenset[TargetKey]) -> bool:
        """Forget targets whose time is over, but none that the balancer still sends requests to. Whether any was."""
        over = [
            one.key
            for one in self.registrations.values()
            if one.drains_until is not None and one.drains_until <= now and one.key not in still_routed
        ]
        for key in over:
            del self.registrations[key]
        return bool(over)

    def routed(self) -> tuple[TargetKey, ...]:
        """Return who gets requests: the healthy; where there are none, everybody who isn't leaving."""
        if not self.rules.is_in_use:
            return ()
        states = {key: self.health_of(key).state for key in self.registrations}
        best = tuple(key for key, state in states.items() if state in ROUTED_STATES)
        return best or tuple(key for key, state in states.items() if state in LAST_RESORT_STATES)
