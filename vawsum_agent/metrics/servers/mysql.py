"""MySQL and MariaDB, by their status variables (MySQL manual: Server Status Variables). Reads, never writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.core.errors import AgentError
from vawsum_agent.core.metric import Collected, Metric, Reading, Unit
from vawsum_agent.metrics.servers import replication
from vawsum_agent.metrics.servers.fields import Fields, once

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vawsum_agent.mysql.session import Query, Session

METRICS = (
    Metric("mysql_up", Unit.NONE, "1 when the server lets the agent in and answers, 0 when not", highest=1),
    Metric("mysql_connections", Unit.COUNT, "clients that are connected, the agent included"),
    Metric("mysql_connections_limit", Unit.COUNT, "clients that may be: max_connections"),
    Metric("mysql_connections_used_percent", Unit.PERCENT, "clients connected of those that may be", highest=100),
    Metric("mysql_threads_running", Unit.COUNT, "threads that are at work on a statement"),
    Metric("mysql_queries", Unit.COUNT, "statements carried out, those in stored programs included", is_increase=True),
    Metric("mysql_slow_queries", Unit.COUNT, "statements that took longer than long_query_time", is_increase=True),
    Metric("mysql_buffer_pool_hit_percent", Unit.PERCENT, "reads of InnoDB that needed no disk", highest=100),
    Metric("mysql_row_lock_waits", Unit.COUNT, "times a row lock of InnoDB was waited for", is_increase=True),
    Metric("mysql_row_lock_time", Unit.MILLISECONDS, "time row locks of InnoDB were waited for", is_increase=True),
    Metric("mysql_aborted_connects", Unit.COUNT, "attempts to connect that failed", is_increase=True),
    Metric("mysql_aborted_clients", Unit.COUNT, "clients that went without taking leave", is_increase=True),
    Metric("mysql_bytes_received", Unit.BYTES, "bytes from clients", is_increase=True),
    Metric("mysql_bytes_sent", Unit.BYTES, "bytes to clients", is_increase=True),
    Metric("mysql_uptime", Unit.SECONDS, "time since the server was started"),
    *replication.METRICS,
)

_GAUGES = {
    "mysql_connections": "Threads_connected",
    "mysql_threads_running": "Threads_running",
    "mysql_uptime": "Uptime",
}
_COUNTERS = {
    "mysql_queries": "Queries",
    "mysql_slow_queries": "Slow_queries",
    "mysql_row_lock_waits": "Innodb_row_lock_waits",
    "mysql_row_lock_time": "Innodb_row_lock_time",
    "mysql_aborted_connects": "Aborted_connects",
    "mysql_aborted_clients": "Aborted_clients",
    "mysql_bytes_received": "Bytes_received",
    "mysql_bytes_sent": "Bytes_sent",
    "buffer_pool_reads": "Innodb_buffer_pool_reads",
    "buffer_pool_read_requests": "Innodb_buffer_pool_read_requests",
}
_WHO = "SELECT VERSION() AS version, CURRENT_USER() AS account, @@GLOBAL.max_connections AS connections_limit"
_VARIABLES = ", ".join(f"'{name}'" for name in (*_GAUGES.values(), *_COUNTERS.values()))
_STATUS = f"SHOW GLOBAL STATUS WHERE Variable_name IN ({_VARIABLES})"

_SYNTAX_ERROR = 1064
_LOOKS_TO_NEXT_LOGIN = 60
"""After so many looks without replication the agent logs in anew: a global grant counts from the next login on."""

_MARGIN_S = 0.5


class MysqlSource:
    """The server that an option file names.

    Attributes:
        version: as the server gives it; empty before the first look that succeeded.
        account: whom it took the agent for, as ``user@host``.
        missing_privilege: the grant without which replication is left out; empty when nothing is missing.
        standstills: channels of a replica on which it does not run.

    Args:
        defaults_file: an option file with a ``[client]`` section.
        limit_s: see `MetricSource`; the server gets half a second less, so that the reason is told by us.
    """

    name = "mysql"
    metrics: Sequence[Metric] = METRICS
    wraps_at: float | None = None

    def __init__(self, defaults_file: str, *, limit_s: float = 5.0) -> None:
        self.limit_s = limit_s
        self.version = ""
        self.account = ""
        self.missing_privilege = ""
        self.standstills: list[replication.Standstill] = []
        self._defaults_file = defaults_file
        self._session: Session | None = None
        self._looks_without = 0

    def collect(self) -> Collected:
        """See `MetricSource.collect`."""
        if self._session is None:
            from vawsum_agent.mysql.session import Session  # noqa: PLC0415 - PyMySQL only where it is used

            self._session = Session(self._defaults_file)
        if self.missing_privilege:
            self._looks_without = (self._looks_without + 1) % _LOOKS_TO_NEXT_LOGIN
            if self._looks_without == 0:
                self.close()
        return self._session.run(self._look, self.limit_s - _MARGIN_S)

    def derive(self, increases: Mapping[str, float], elapsed_s: float) -> Sequence[Reading]:
        """See `MetricSource.derive`."""
        del elapsed_s
        readings = [Reading(name, value) for name, value in increases.items() if name.startswith("mysql_")]
        reads, requests = increases.get("buffer_pool_reads"), increases.get("buffer_pool_read_requests")
        if requests and reads is not None and reads <= requests:
            readings.append(Reading("mysql_buffer_pool_hit_percent", 100 * (1 - reads / requests)))
        return readings

    def down(self) -> Sequence[Reading]:
        """See `MetricSource.down`."""
        return [Reading("mysql_up", 0.0)]

    def close(self) -> None:
        """Take leave of the server, which otherwise counts an aborted client. Not during a look."""
        if self._session is not None:
            self._session.close()
        self.missing_privilege = ""

    def _look(self, query: Query) -> Collected:
        who = query(_WHO)[0]
        self.version, self.account = str(who["version"]), str(who["account"])
        variables = once((str(row["Variable_name"]), row["Value"]) for row in query(_STATUS))
        collected = read_status(variables, who["connections_limit"])
        if collected is None:
            message = "MySQL answered with none of its status variables"
            raise AgentError(message, hint="is a proxy in its place? defaults_file has to name the server itself")
        channels = self._channels(query)
        self.standstills = replication.standstills(channels)
        readings, left_out = replication.replication(channels)
        return Collected([*collected.gauges, *readings], collected.counters, collected.left_out + left_out)

    def _channels(self, query: Query) -> Sequence[Mapping[str, object]]:
        """Ask for replication; what the account may not know is left out, and remembered for `doctor`."""
        from vawsum_agent.mysql.session import Refused  # noqa: PLC0415 - as above

        if self.missing_privilege:
            return []
        for statement in replication.statements(self.version):
            try:
                return query(statement)
            except Refused as refusal:
                if refusal.code != _SYNTAX_ERROR:
                    self.missing_privilege = replication.privilege(self.version)
                    return []
        return []


def read_status(variables: Mapping[str, object], connections_limit: object) -> Collected | None:
    """Read status variables; None where not one of them makes sense. Pure."""
    fields = Fields({**variables, "max_connections": connections_limit})
    gauges = fields.take_all(_GAUGES)
    counters = fields.take_all(_COUNTERS)
    if not gauges and not counters:
        return None
    gauges["mysql_up"] = 1.0
    limit = fields.take("max_connections")
    if limit:
        gauges["mysql_connections_limit"] = limit
        if "mysql_connections" in gauges:
            # An administrator gets in beyond the limit: no more than all of it is used.
            gauges["mysql_connections_used_percent"] = min(100.0, 100 * gauges["mysql_connections"] / limit)
    return Collected([Reading(name, value) for name, value in gauges.items()], counters, fields.left_out)
