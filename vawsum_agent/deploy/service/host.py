"""Under which names target groups may know this host."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vawsum_agent.aws.load_balancing import Target, TargetGroup

_MACS = "network/interfaces/macs"


class Metadata(Protocol):
    """See `vawsum_agent.aws.metadata.InstanceMetadata`."""

    def get(self, entry: str) -> str | None:
        """Read one entry; None where there is none."""
        ...


@dataclass(frozen=True, slots=True)
class Host:
    """This host, as a target.

    Attributes:
        addresses: its private addresses, of all its interfaces, as `ipaddress` writes them.
        vpc_id: where these are its own: another VPC may give the same address to another host. None where it is not
            known; then an address is taken for this host's wherever it is met.
    """

    instance_id: str
    addresses: frozenset[str] = frozenset()
    vpc_id: str | None = None

    def is_target(self, group: TargetGroup, target: Target) -> bool:
        """Whether a target is this host."""
        if group.kind == "instance":
            return target.target_id == self.instance_id
        is_other_network = None not in {self.vpc_id, group.vpc_id} and self.vpc_id != group.vpc_id
        return not is_other_network and _normal(target.target_id) in self.addresses


def this_host(instance_id: str, metadata: Metadata) -> Host:
    """Ask the instance metadata for addresses and network; without, the interfaces are asked."""
    macs = [mac.strip("/ ") for mac in (metadata.get(f"{_MACS}/") or "").splitlines() if mac.strip("/ ")]
    texts = [metadata.get("local-ipv4")]
    texts += [metadata.get(f"{_MACS}/{mac}/{kind}") for mac in macs for kind in ("local-ipv4s", "ipv6s")]
    addresses = _addresses(word for text in texts for word in (text or "").split())
    vpc_id = next((found for mac in macs if (found := metadata.get(f"{_MACS}/{mac}/vpc-id"))), None)
    return Host(instance_id, addresses or _of_interfaces(), vpc_id)


def _of_interfaces() -> frozenset[str]:
    rows = (row for rows in psutil.net_if_addrs().values() for row in rows)
    found = _addresses(row.address.partition("%")[0] for row in rows)
    return frozenset(text for text in found if _is_routed(text))


def _is_routed(text: str) -> bool:
    address = ipaddress.ip_address(text)
    return not (address.is_loopback or address.is_link_local)


def _addresses(texts: Iterable[str]) -> frozenset[str]:
    return frozenset(found for text in texts if (found := _normal(text)))


def _normal(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return ""
