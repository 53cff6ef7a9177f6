"""Hosts, target groups, Auto Scaling groups, prober and balancer together, and the admin API's way to them."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from sandbox.aws.balancing.feeder import Feeder
from sandbox.aws.balancing.health import Health
from sandbox.aws.balancing.hosts import Hosts
from sandbox.aws.balancing.prober import Prober
from sandbox.aws.balancing.scaling import ScalingGroup, ScalingGroups
from sandbox.aws.balancing.target_group import GroupRules, TargetKey
from sandbox.aws.balancing.targets import Targets
from sandbox.servers.nginx_balancer import is_installed
from sandbox.servers.process import free_port

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sandbox.aws.metadata import Metadata

Document = dict[str, Any]

START_LIMIT_S = 30.0


class Balancing:
    """All of it. Threads, and nginx, begin with the first group; whoever needs none pays nothing."""

    def __init__(self, metadata: Metadata, folder: Path) -> None:
        self.hosts = Hosts(metadata)
        self.targets = Targets(self.hosts)
        self.scaling = ScalingGroups(self.targets, self.hosts)
        self._prober = Prober(self.targets, self._settle)
        self._feeder = Feeder(self.targets, folder)
        self._begun: set[str] = set()
        self._lock = threading.Lock()
        self.routes: dict[str, Callable[[Document], object]] = {
            "GET hosts": lambda _: self.hosts.rows(),
            "POST hosts": self._add_host,
            "POST terminate": self._terminate,
            "GET target-groups": lambda _: self.targets.rows(),
            "POST target-groups": self._add_target_group,
            "POST targets": self._change_targets,
            "POST pin": self._pin,
            "GET balancer-log": lambda query: self._feeder.log(query["group"]),
            "GET scaling-groups": lambda _: [_scaling_row(group) for group in self.scaling.groups()],
            "POST scaling-groups": self._add_scaling_group,
        }
        """What the admin API answers with it."""

    def clear(self) -> None:
        """Forget all groups; the hosts stay."""
        self.scaling.clear()
        self.targets.clear()

    def stop(self) -> None:
        """End what was begun; idempotent."""
        self._prober.stop()
        self._feeder.stop()

    def _settle(self, now: float) -> None:
        self.targets.settle(now)
        self.scaling.settle(now)

    def _begin(self, name: str, start: Callable[[], None]) -> None:
        with self._lock:
            if name not in self._begun:
                self._begun.add(name)
                start()

    def _add_host(self, document: Document) -> Document:
        port = document.get("port")
        host = self.hosts.add(document["instance_id"], document.get("address", "127.0.0.1"), port or None)
        return {"metadata": host.metadata_url}

    def _terminate(self, document: Document) -> Document:
        self.hosts.get(document["instance_id"])
        self.scaling.terminate(document["instance_id"], time.monotonic())
        return {}

    def _add_target_group(self, document: Document) -> Document:
        rules = GroupRules.read(document)
        has_balancer = rules.is_in_use and is_installed()
        url = f"http://127.0.0.1:{free_port()}" if has_balancer else ""
        self._begin("prober", self._prober.start)
        if has_balancer:
            self._begin("feeder", self._feeder.start)
        group = self.targets.add(rules, url)
        if has_balancer and not self._feeder.await_served(url, START_LIMIT_S):
            message = "the balancer did not start; see what the sandbox printed"
            raise ValueError(message)
        return {"arn": group.rules.arn, "url": url}

    def _change_targets(self, document: Document) -> Document:
        """Register or deregister as if somebody else had."""
        group = self.targets.named(document["group"])
        wanted, unwanted = (
            [TargetKey(instance_id, port or group.rules.port) for instance_id, port in document.get(key, ())]
            for key in ("register", "deregister")
        )
        self.targets.register(group, wanted)
        self.targets.deregister(group, unwanted, time.monotonic())
        return {}

    def _pin(self, document: Document) -> Document:
        state = document.get("state")
        health = Health(state, document.get("reason", ""), document.get("description", "")) if state else None
        self.targets.pin(self.targets.named(document["group"]), document["instance_id"], health)
        return {}

    def _add_scaling_group(self, document: Document) -> Document:
        self._begin("prober", self._prober.start)
        group = ScalingGroup.read(document)
        self.scaling.add(group)
        return {"arn": group.arn}


def _scaling_row(group: ScalingGroup) -> Document:
    return {
        "name": group.name,
        "min_size": group.min_size,
        "max_size": group.max_size,
        "desired_capacity": group.desired_capacity,
        "instances": dict(group.states),
    }
