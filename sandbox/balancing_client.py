"""What a `Sandbox` can do with hosts, target groups and Auto Scaling groups, and the truth about them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

from sandbox.admin_client import AdminClient, SandboxError
from sandbox.aws.account import INSTANCE_ID

if TYPE_CHECKING:
    from collections.abc import Sequence

POLL_S = 0.05


class TargetGroupAddress(NamedTuple):
    """A target group: its ARN, and where the balancer takes requests for it; empty where there is no nginx."""

    arn: str
    url: str


class BalancingClient:
    """The part of `Sandbox` that is about several hosts."""

    metadata_endpoint: str
    _admin: AdminClient
    _metadata_urls: dict[str, str]

    def add_host(self, instance_id: str, *, address: str = "127.0.0.1", port: int | None = None) -> str:
        """Make an instance known, with a metadata endpoint of its own, and return that endpoint.

        Args:
            instance_id: its name; the one that the sandbox begins with keeps the sandbox's endpoint.
            address: where on this machine it listens.
            port: where its web server listens. This is where requests and probes go that are meant for the port of a
                target group itself, at which Auto Scaling registers; a target at any other port is at that very port.
        """
        wanted = {"instance_id": instance_id, "address": address, "port": port}
        self._metadata_urls[instance_id] = self._admin.call("POST", "hosts", wanted)["metadata"]
        return self.metadata_for(instance_id)

    def metadata_for(self, instance_id: str) -> str:
        """Return the metadata endpoint of an instance.

        Raises:
            SandboxError: there is no such instance.
        """
        if instance_id != INSTANCE_ID and instance_id not in self._metadata_urls:
            raise SandboxError(f"no instance {instance_id!r}; add_host makes one")
        return self._metadata_urls.get(instance_id) or self.metadata_endpoint

    def add_target_group(self, name: str, **rules: object) -> TargetGroupAddress:
        """Make a target group and, where nginx is installed and the group in use, a port of the balancer for it.

        Args:
            name: its name.
            rules: see `sandbox.aws.balancing.target_group.GroupRules`, such as `deregistration_delay_s=1`,
                `interval_s=0.2`, `health_path="/healthz"`, `healthy_threshold_count=2`.

        Raises:
            SandboxError: the name is taken, or a rule makes no sense.
        """
        return TargetGroupAddress(**self._admin.call("POST", "target-groups", {"name": name, **rules}))

    def register_targets(self, group: str, *targets: tuple[str, int | None]) -> None:
        """Register instances as if somebody else had: (instance id, port), None for the group's own port."""
        self._admin.call("POST", "targets", {"group": group, "register": targets})

    def deregister_targets(self, group: str, *targets: tuple[str, int | None]) -> None:
        """Deregister instances as if somebody else had."""
        self._admin.call("POST", "targets", {"group": group, "deregister": targets})

    def targets(self, group: str) -> list[dict[str, Any]]:
        """Return the targets of a group.

        Each with `instance_id`, `port`, `state`, `reason`, `description`, and `is_routed`: whether the balancer sends
        it requests at this moment.
        """
        rows: list[dict[str, Any]] = self._admin.call("GET", "target-groups")
        found = [row["targets"] for row in rows if row["name"] == group]
        if not found:
            raise SandboxError(f"no target group {group!r}")
        targets: list[dict[str, Any]] = found[0]
        return targets

    def target_states(self, group: str) -> dict[str, str]:
        """Return the state of each instance in a group; of one at several ports, that of the last registered."""
        return {row["instance_id"]: row["state"] for row in self.targets(group)}

    def await_targets(
        self,
        group: str,
        *instance_ids: str,
        state: str = "healthy",
        is_routed: bool | None = None,
        timeout_s: float = 20,
    ) -> None:
        """Wait until all these instances, or all there are, are in a state; `unused` is to be no longer registered.

        Args:
            group: its name.
            instance_ids: whom to wait for; none: all that are registered, of which there must be one.
            state: what to wait for.
            is_routed: whether the balancer must send them requests then, too; by default, if they are healthy and
                the group has a balancer.
            timeout_s: how long to wait.

        Raises:
            SandboxError: they are not within the time.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            rows = self.targets(group)
            by_id = {row["instance_id"]: row for row in rows}
            wanted = instance_ids or tuple(by_id)
            has_state = all(by_id.get(one, {"state": "unused"})["state"] == state for one in wanted)
            if has_state and wanted and all(_is_as_routed(by_id.get(one), wanted=is_routed) for one in wanted):
                return
            if time.monotonic() > deadline:
                raise SandboxError(f"not {state} in {group} after {timeout_s:.0f} s: {rows}")
            time.sleep(POLL_S)

    def pin_target(
        self, group: str, instance_id: str, state: str | None, reason: str = "", description: str = ""
    ) -> None:
        """Have the service say this of a target, whatever probes say, such as `unavailable`; None lifts it."""
        said = {"state": state, "reason": reason, "description": description}
        self._admin.call("POST", "pin", {"group": group, "instance_id": instance_id, **said})

    def balancer_log(self, group: str) -> list[dict[str, Any]]:
        """Return the requests that the balancer answered for a group, by their end.

        Each with `at` (seconds since the epoch), `upstream` (`address:port`, empty for nobody), `status`, `uri`
        and `took_s`.
        """
        rows: list[dict[str, Any]] = self._admin.call("GET", f"balancer-log?group={group}")
        return rows

    def add_scaling_group(
        self,
        name: str,
        instances: Sequence[str],
        *,
        min_size: int = 0,
        max_size: int = 100,
        desired_capacity: int | None = None,
        target_groups: Sequence[str] = (),
        pending_s: float = 0.2,
    ) -> None:
        """Make an Auto Scaling group of hosts that were added, in service and registered with its target groups.

        Raises:
            SandboxError: the name is taken, a host or a target group is unknown, or the sizes make no sense.
        """
        wanted = {
            "name": name,
            "instances": list(instances),
            "min_size": min_size,
            "max_size": max_size,
            "desired_capacity": desired_capacity,
            "target_groups": list(target_groups),
            "pending_s": pending_s,
        }
        self._admin.call("POST", "scaling-groups", wanted)

    def scaling_group(self, name: str) -> dict[str, Any]:
        """Return an Auto Scaling group: `min_size`, `max_size`, `desired_capacity`, and `instances` by state."""
        rows: list[dict[str, Any]] = self._admin.call("GET", "scaling-groups")
        for row in rows:
            if row["name"] == name:
                return row
        raise SandboxError(f"no Auto Scaling group {name!r}")

    def terminate(self, instance_id: str) -> None:
        """Have an instance terminated, by scale-in where it is in a group.

        It leaves the target groups first, then its group, and then is gone: what runs on it, its caller has to end.
        """
        self._admin.call("POST", "terminate", {"instance_id": instance_id})


def _is_as_routed(row: dict[str, Any] | None, *, wanted: bool | None) -> bool:
    """Whether the balancer treats a target as wanted; None: who is healthy gets requests where there is a balancer."""
    if row is None:
        return not wanted
    if wanted is None:
        return row["is_routed"] or row["state"] != "healthy" or not row["has_balancer"]
    return bool(row["is_routed"]) == wanted
