"""How old the newest backup is, and what is known of it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.backup.health import oldest_s
from vawsum_agent.core.finding import Finding, Severity
from vawsum_agent.core.units import format_bytes, format_duration

if TYPE_CHECKING:
    from vawsum_agent.backup.publish.catalog import Damage, Published
    from vawsum_agent.config.model import BackupConfig

_MAKE_ONE = "vawsum-agent backup run"


def of_newest(newest: Published | None, backup: BackupConfig, server: str, now: float) -> Finding:
    """Judge the newest backup of a server's data.

    Args:
        newest: None where there is none that may be relied on.
        backup: as it is configured.
        server: the name of the data.
        now: seconds since the epoch.
    """
    where = f"backups of {server}"
    if newest is None:
        return Finding(Severity.WARNING, "there is none yet", where, f"wait for the first night, or: {_MAKE_ONE}")
    age_s = max(0.0, now - newest.name.began_at)
    what = f"the newest, {newest.name.backup_id}, is {format_duration(age_s)} old"
    if age_s > oldest_s(backup.schedule, backup.timezone, now):
        return Finding(
            Severity.PROBLEM, f"{what}: what changed since is in none", where, f"{_MAKE_ONE} says what fails"
        )
    size = f"{format_bytes(newest.manifest.dump.size_bytes)}, of {format_bytes(newest.manifest.dump.raw_bytes)} SQL"
    return Finding(Severity.OK, f"{what}: {size}; {_known(newest)}", where)


def of_damage(damage: Damage, server: str) -> Finding:
    """Tell of a backup that counts as none."""
    what = f"{damage.name.backup_id} is damaged, and counts as none: {damage.problems[0]}"
    return Finding(Severity.PROBLEM, what, f"backups of {server}", _MAKE_ONE)


def _known(newest: Published) -> str:
    verified = "read back" if newest.verified is not None else "not read back yet"
    if newest.drilled is None:
        return verified
    drilled = newest.drilled
    if drilled.problems:
        return f"{verified}, and it failed a drill"
    return f"{verified}, and restored in {format_duration(drilled.restore_s)}"
