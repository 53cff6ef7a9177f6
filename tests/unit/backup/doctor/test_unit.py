"""The memory limit of the daemon's unit, in which scheduled drills are held."""

from __future__ import annotations

import pytest

from vawsum_agent.backup.doctor.unit import unit_memory
from vawsum_agent.core.finding import Severity

MIB = 1 << 20


def test_too_little() -> None:
    """A warning, with the command that raises it."""
    (found,) = unit_memory(lambda: 320 * MIB)
    assert (found.severity, found.where) == (Severity.WARNING, "drill")
    assert "may use 320.0 MiB" in found.what
    assert found.remedy == "systemctl set-property vawsum-agent.service MemoryMax=2G"


@pytest.mark.parametrize("limit", [None, 2048 * MIB])
def test_enough(limit: int | None) -> None:
    """No unit, no limit, or a generous one: nothing is said."""
    assert list(unit_memory(lambda: limit)) == []
