"""How much memory systemd leaves the daemon's unit, in which scheduled drills are held."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

from vawsum_agent.core.finding import Finding, Severity
from vawsum_agent.core.units import format_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_UNIT = "vawsum-agent.service"
_LIMIT_S = 5.0
_LITTLE_BYTES = 1 << 30
"""With less the scratch server's buffer pool is tiny, and the RTO that is measured is that of a tiny host."""


def memory_limit() -> int | None:
    """Ask systemd; None where there is no such unit, or no limit."""
    systemctl = shutil.which("systemctl")
    if systemctl is None:
        return None
    command = [systemctl, "show", _UNIT, "--property=LoadState", "--property=MemoryMax"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_LIMIT_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    values = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    limit = values.get("MemoryMax", "")
    return int(limit) if values.get("LoadState") == "loaded" and limit.isdigit() else None


def unit_memory(ask: Callable[[], int | None] = memory_limit) -> Iterator[Finding]:
    """Tell where it is too little for a drill that says anything."""
    limit = ask()
    if limit is None or limit >= _LITTLE_BYTES:
        return
    what = f"{_UNIT} may use {format_bytes(limit)} of memory, in which the scratch server lives as well: it would crawl"
    remedy = f"systemctl set-property {_UNIT} MemoryMax=2G"
    yield Finding(Severity.WARNING, what, "drill", remedy)
