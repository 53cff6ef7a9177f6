"""How a replica does: which statement asks it, which privilege that takes, and what the answer means. Pure.

MySQL names statements and columns after *replica* and *source* since 8.0.22, MariaDB after *slave* and *master*.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vawsum_agent.core.metric import Metric, Reading, Unit
from vawsum_agent.metrics.servers.fields import number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

METRICS = (
    Metric(
        "mysql_replication_running",
        Unit.NONE,
        "on a replica: 1 when it receives and applies changes on every channel, 0 when not",
        highest=1,
    ),
    Metric(
        "mysql_replication_lag_seconds",
        Unit.SECONDS,
        "on a replica: how far it is behind, on the channel that is furthest behind; none where it can't tell",
    ),
)

_MARIADB = re.compile(r"(\d+)\.(\d+)\.\d+-MariaDB")
_SLAVE_MONITOR_SINCE = (10, 5)
_RECEIVES = ("Replica_IO_Running", "Slave_IO_Running")
_APPLIES = ("Replica_SQL_Running", "Slave_SQL_Running")
_NAMES = ("Channel_Name", "Connection_name")
_OF_A_GROUP = "group_replication_"
"""Channels of MySQL's group replication: one of them runs only while a member recovers."""


def statements(version: str) -> tuple[str, ...]:
    """Name the statements that tell of all channels, the one to try first; an older server knows only a later one."""
    if _MARIADB.search(version):
        return ("SHOW ALL SLAVES STATUS", "SHOW SLAVE STATUS")
    return ("SHOW REPLICA STATUS", "SHOW SLAVE STATUS")


def privilege(version: str) -> str:
    """Name the least privilege that lets an account run them."""
    found = _MARIADB.search(version)
    if found and (int(found[1]), int(found[2])) >= _SLAVE_MONITOR_SINCE:
        return "SLAVE MONITOR"
    return "REPLICATION CLIENT"


def replication(channels: Sequence[Mapping[str, object]]) -> tuple[list[Reading], int]:
    """Read the channels of a replica; a server that is none has no channels, and nothing is said of it.

    Returns:
        Readings, and how many lags made no sense. The lag is of those channels that know theirs.
    """
    channels = _of_replicas(channels)
    if not channels:
        return [], 0
    told = [
        lag for channel in channels if (lag := _any(channel, "Seconds_Behind_Source", "Seconds_Behind_Master")) != ""
    ]
    lags = [lag for value in told if (lag := number(value)) is not None]
    readings = [Reading("mysql_replication_running", float(all(map(_is_running, channels))))]
    if lags:
        readings.append(Reading("mysql_replication_lag_seconds", max(lags)))
    return readings, len(told) - len(lags)


@dataclass(frozen=True, slots=True)
class Standstill:
    """A channel on which replication does not run.

    Attributes:
        what: the channel and which of its threads stand still, for people.
        error: what the server itself says of it last; empty where it says nothing.
        statement: what starts it again, as this server has it.
    """

    what: str
    error: str
    statement: str


def standstills(channels: Sequence[Mapping[str, object]]) -> list[Standstill]:
    """Tell of each channel that does not run what the server tells."""
    return [_standstill(channel) for channel in _of_replicas(channels) if not _is_running(channel)]


def _standstill(channel: Mapping[str, object]) -> Standstill:
    name = str(_any(channel, *_NAMES))
    host, port = _any(channel, "Source_Host", "Master_Host"), _any(channel, "Source_Port", "Master_Port")
    states = {"IO": _any(channel, *_RECEIVES), "SQL": _any(channel, *_APPLIES)}
    still = [f"its {thread} thread says {state or 'nothing'}" for thread, state in states.items() if state != "Yes"]
    # An error of a thread that runs again is over.
    errors = [str(_any(channel, f"Last_{thread}_Error")) for thread, state in states.items() if state != "Yes"]
    told = "; ".join(" ".join(error.split()) for error in errors if error)
    place = f"{host}:{port}" + (f", channel {name}" if name else "")
    return Standstill(f"replication from {place} does not run: {', '.join(still)}", told, _start(channel, name))


def _start(channel: Mapping[str, object], name: str) -> str:
    quoted = "'" + name.replace("'", "''") + "'"
    if "Connection_name" in channel:  # MariaDB
        return f"START SLAVE {quoted}" if name else "START SLAVE"
    verb = "START REPLICA" if "Replica_IO_Running" in channel else "START SLAVE"
    return f"{verb} FOR CHANNEL {quoted}" if name else verb


def _of_replicas(channels: Sequence[Mapping[str, object]]) -> list[Mapping[str, object]]:
    return [channel for channel in channels if not str(_any(channel, "Channel_Name")).startswith(_OF_A_GROUP)]


def _is_running(channel: Mapping[str, object]) -> bool:
    return _any(channel, *_RECEIVES) == _any(channel, *_APPLIES) == "Yes"


def _any(channel: Mapping[str, object], *names: str) -> object:
    """The first of these columns that has a value; empty where none has (NULL: not known)."""
    return next((value for name in names if (value := channel.get(name)) is not None), "")
