"""All target groups as the service, the prober and the balancer see them, under one lock."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, NamedTuple

from sandbox.aws.answers import ServiceError
from sandbox.aws.balancing.health import Health, after_probe
from sandbox.aws.balancing.target_group import GroupRules, Registration, TargetGroup, TargetKey

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sandbox.aws.balancing.health import Outcome
    from sandbox.aws.balancing.hosts import Hosts


class ProbeJob(NamedTuple):
    """A target to ask now: `registration` is the very one that the outcome is for."""

    group: TargetGroup
    registration: Registration
    address: tuple[str, int]


class Route(NamedTuple):
    """A group as the balancer needs it: who is to get the requests that come in at its URL, and where they listen."""

    name: str
    url: str
    keys: frozenset[TargetKey]
    addresses: tuple[str, ...]


class Targets:
    """Target groups by name. Threads may call it at once.

    Attributes:
        changed: notified after every change; its lock guards everything here, and Auto Scaling groups as well.
    """

    def __init__(self, hosts: Hosts) -> None:
        self.changed = threading.Condition(threading.RLock())
        self._hosts = hosts
        self._groups: dict[str, TargetGroup] = {}
        self._routed: dict[str, frozenset[TargetKey]] = {}

    def add(self, rules: GroupRules, url: str = "") -> TargetGroup:
        """Make a group.

        Raises:
            ValueError: the name is taken.
        """
        with self.changed:
            if rules.name in self._groups:
                message = f"there is a target group {rules.name!r} already"
                raise ValueError(message)
            group = self._groups[rules.name] = TargetGroup(rules, url)
            self.changed.notify_all()
            return group

    def clear(self) -> None:
        """Forget all groups."""
        with self.changed:
            self._groups.clear()
            self.changed.notify_all()

    def groups(self) -> list[TargetGroup]:
        """Return all groups, by name."""
        with self.changed:
            return [self._groups[name] for name in sorted(self._groups)]

    def named(self, name: str) -> TargetGroup:
        """Return a group for the admin API.

        Raises:
            ValueError: there is none.
        """
        with self.changed:
            if name not in self._groups:
                message = f"no target group {name!r}; there are {sorted(self._groups)}"
                raise ValueError(message)
            return self._groups[name]

    def by_arn(self, arn: str) -> TargetGroup:
        """Return a group, or raise the service's error."""
        with self.changed:
            for group in self._groups.values():
                if group.rules.arn == arn:
                    return group
        raise ServiceError("TargetGroupNotFound", f"Target groups '{arn}' not found")

    def register(self, group: TargetGroup, keys: Iterable[TargetKey]) -> None:
        """Register all these targets, or, if one can't be, none of them."""
        wanted = list(keys)
        with self.changed:
            for key in wanted:
                self._check_running(key.instance_id)
            for key in wanted:
                group.register(key)
            self.changed.notify_all()

    def _check_running(self, instance_id: str) -> None:
        host = self._hosts.find(instance_id)
        if host is None:
            text = "The specified target does not exist, is not in the same VPC as the target group, or has an "
            raise ServiceError("InvalidTarget", f"{text}unsupported instance type: '{instance_id}'")
        if not host.is_running:
            text = "The following targets are not in a running state and cannot be registered"
            raise ServiceError("InvalidTarget", f"{text}: '{instance_id}'")

    def deregister(self, group: TargetGroup, keys: Iterable[TargetKey], now: float) -> None:
        """Let targets drain; unknown ones are nothing to speak of, as the API's reference says."""
        with self.changed:
            for key in keys:
                group.deregister(key, now)
            self.changed.notify_all()

    def drop_instance(self, instance_id: str) -> None:
        """Forget an instance in all groups at once: it is gone."""
        with self.changed:
            for group in self._groups.values():
                for key in group.keys_of(instance_id):
                    del group.registrations[key]
            self.changed.notify_all()

    def pin(self, group: TargetGroup, instance_id: str, health: Health | None) -> None:
        """Say this of an instance's targets from now on, whatever probes say; None: what probes say."""
        with self.changed:
            for key in group.keys_of(instance_id):
                group.registrations[key].pinned = health
            self.changed.notify_all()

    def settle(self, now: float) -> None:
        """Forget the targets that have drained."""
        with self.changed:
            over = [
                group.forget_drained(now, self._routed.get(group.url, frozenset())) for group in self._groups.values()
            ]
            if any(over):
                self.changed.notify_all()

    def take_probes(self, now: float) -> list[ProbeJob]:
        """Return the targets that are due, and count them as being asked."""
        jobs = []
        with self.changed:
            for group in self._groups.values():
                for one in group.registrations.values() if group.rules.is_in_use else ():
                    if one.is_probed or one.drains_until is not None or one.probe_at > now:
                        continue
                    one.is_probed, one.probe_at = True, now + group.rules.interval_s
                    jobs.append(ProbeJob(group, one, self._probe_address(group, one.key)))
        return jobs

    def _probe_address(self, group: TargetGroup, key: TargetKey) -> tuple[str, int]:
        asked = group.rules.health_port
        port = key.port if asked == "traffic-port" else int(asked)
        return self._hosts.locate(TargetKey(key.instance_id, port), group.rules.port)

    def probed(self, job: ProbeJob, outcome: Outcome) -> None:
        """Take in how a probe ended."""
        rules = job.group.rules
        with self.changed:
            job.registration.is_probed = False
            before = job.registration.health
            job.registration.health = after_probe(
                before,
                outcome,
                matcher=rules.matcher,
                healthy_threshold_count=rules.healthy_threshold_count,
                unhealthy_threshold_count=rules.unhealthy_threshold_count,
            )
            if before.state != job.registration.health.state:
                self.changed.notify_all()

    def routes(self) -> tuple[Route, ...]:
        """Return how requests should be routed now, group by group; only those that have a URL."""
        with self.changed:
            return tuple(self._route(group) for group in self.groups() if group.url)

    def _route(self, group: TargetGroup) -> Route:
        keys = group.routed()
        places = (self._hosts.locate(key, group.rules.port) for key in keys)
        addresses = tuple(sorted({f"{address}:{port}" for address, port in places}))
        return Route(group.rules.name, group.url, frozenset(keys), addresses)

    def set_routed(self, routed: Mapping[str, frozenset[TargetKey]]) -> None:
        """Take note of whom the balancer really sends requests to, by URL: a name may have been another group's."""
        with self.changed:
            self._routed = dict(routed)
            self.changed.notify_all()

    def rows(self) -> list[dict[str, Any]]:
        """Return all groups with their targets for the admin API."""
        with self.changed:
            return [self._row(group) for group in self.groups()]

    def _row(self, group: TargetGroup) -> dict[str, Any]:
        routed = self._routed.get(group.url, frozenset())
        targets = []
        for key in group.registrations:
            health = group.health_of(key)
            said = {"state": health.state, "reason": health.reason, "description": health.description}
            targets.append({**key._asdict(), **said, "is_routed": key in routed, "has_balancer": bool(group.url)})
        return {"name": group.rules.name, "arn": group.rules.arn, "url": group.url, "targets": targets}
