"""The tables of time zones: an event that names a zone can't be created without them."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from vawsum_agent.backup.drill import shell

if TYPE_CHECKING:
    from vawsum_agent.backup.drill.programs import Programs

_ZONEINFO = Path("/usr/share/zoneinfo")
_TWICE = frozenset({"posix", "right"})
"""All zones again, under names that hardly anybody uses."""


def load_zones(programs: Programs, option_file: Path, folder: Path) -> bool:
    """Load the host's time zones into the server that an option file names. Takes two seconds.

    Args:
        programs: of the server's flavour.
        option_file: reaches it with all rights.
        folder: for links to the zones.

    Returns:
        False where this host has no zones, or no program for them: an event that names one will say so itself.
    """
    if not programs.zones or not _ZONEINFO.is_dir():
        return False
    try:
        folder.mkdir()
        for zone in _ZONEINFO.iterdir():
            if zone.name not in _TWICE:
                (folder / zone.name).symlink_to(zone)
        # Zones it has no use for are told of on stderr.
        made = subprocess.run([programs.zones, str(folder)], capture_output=True, timeout=shell.LIMIT_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return shell.run(programs, option_file, made.stdout)
