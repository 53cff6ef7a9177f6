"""Bytes, packets, errors and drops of interfaces."""

from __future__ import annotations

from vawsum_agent.metrics.host.network import Network
from vawsum_agent.metrics.sample.increases import Baseline, read_baseline

NAMES = ("bytes_sent", "bytes_recv", "packets_sent", "packets_recv", "errin", "errout", "dropin", "dropout")
BUSY = {name: float(at + 1) for at, name in enumerate(NAMES)}
UNUSED = dict.fromkeys(NAMES, 0.0)


def keys(interfaces: dict[str, dict[str, float]]) -> set[str]:
    """The interfaces that are measured."""
    return {key.rpartition(":")[0] for key in Network(lambda: interfaces).collect().counters}


def test_each_total_has_its_name() -> None:
    """What psutil counts gets the CloudWatch agent's names, none exchanged for another."""
    assert Network(lambda: {"ens5": BUSY}).collect().counters == {
        "ens5:bytes_sent": 1,
        "ens5:bytes_recv": 2,
        "ens5:packets_sent": 3,
        "ens5:packets_recv": 4,
        "ens5:err_in": 5,
        "ens5:err_out": 6,
        "ens5:drop_in": 7,
        "ens5:drop_out": 8,
    }


def test_only_what_leads_out_of_the_host_is_measured() -> None:
    """Loopback and containers' inner links would count the same bytes again; an unused interface says nothing."""
    inner = dict.fromkeys(("lo", "veth12ab", "docker0", "br-00ff", "virbr0", "ifb0"), BUSY)
    assert keys({"ens5": BUSY, "wg0": BUSY, "ens6": UNUSED, **inner}) == {"ens5", "wg0"}


def test_a_name_of_any_bytes_can_be_stored() -> None:
    """Bytes that are no UTF-8, which come as lone surrogates, keep no round from being written down."""
    counters = Network(lambda: {"eth\udcff": BUSY}).collect().counters
    baseline = Baseline("boot-1", {"network": 1.0}, {"network": counters})
    assert read_baseline(baseline.encode(), "boot-1").totals["network"] == counters


def test_increases_carry_the_interface() -> None:
    """An alias has a colon in its name; an interface that is new has no increase yet."""
    source = Network(dict)
    assert source.derive({}, 10.0) == []
    assert source.derive({"eth0:1:bytes_recv": 7.0}, 10.0) == [("net_bytes_recv", 7.0, (("interface", "eth0:1"),))]
