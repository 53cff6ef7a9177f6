"""What holds for all sources of the host together."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from vawsum_agent.config.model import MetricsConfig
from vawsum_agent.metrics.host import METRICS, host_sources

if TYPE_CHECKING:
    from pathlib import Path

    from vawsum_agent.core.metric import MetricSource

SOURCES = host_sources(MetricsConfig(disks=["/", "/data"]))


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_without_an_earlier_look_nothing_is_derived(source: MetricSource) -> None:
    """The first round after a boot has gauges only, and a source that is down publishes nothing made up."""
    assert not source.derive({}, 10.0)
    assert not source.down()


def test_each_mount_is_a_source_of_its_own() -> None:
    """One that hangs holds up no other."""
    names = [source.name for source in SOURCES]
    assert {"disk:/", "disk:/data"} <= set(names)
    assert len(set(names)) == len(names), "counters are stored by name"


def test_a_mount_that_is_named_twice_is_measured_once() -> None:
    """However its path is spelt: it is one disk, and one name in the store."""
    names = [source.name for source in host_sources(MetricsConfig(disks=["/data", "/data/", "/x/../data"]))]
    assert [name for name in names if name.startswith("disk:")] == ["disk:/data"]


def test_every_metric_is_listed_once() -> None:
    """The catalogue has what the sources give, neither more nor less."""
    assert not [name for name, count in Counter(metric.name for metric in METRICS).items() if count > 1]
    assert {metric for source in SOURCES for metric in source.metrics} == set(METRICS)


def test_building_reads_nothing(tmp_path: Path) -> None:
    """A host where procfs is gone still starts; each look says what is wrong."""
    assert host_sources(MetricsConfig(), proc=tmp_path / "none", sys=tmp_path / "none")
