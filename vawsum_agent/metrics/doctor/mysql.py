"""Whether MySQL lets the agent in, and shows it what it has to see."""

from __future__ import annotations

import os
import pwd
from pathlib import Path
from typing import TYPE_CHECKING

from vawsum_agent.core.errors import AgentError
from vawsum_agent.core.finding import Finding, Severity
from vawsum_agent.metrics.doctor.place import without_place
from vawsum_agent.metrics.servers.mysql import MysqlSource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vawsum_agent.core.metric import Collected
    from vawsum_agent.metrics.servers.replication import Standstill


def mysql(defaults_file: str, state_dir: str) -> Iterator[Finding]:
    """Check the option file, the login and the grants.

    Args:
        defaults_file: the option file.
        state_dir: belongs to the user the daemon runs as.
    """
    from vawsum_agent.mysql.option_file import read_option_file  # noqa: PLC0415 - loads PyMySQL

    try:
        client = read_option_file(defaults_file)
    except AgentError as error:
        yield Finding(Severity.PROBLEM, without_place(error.message, defaults_file), defaults_file, error.hint)
        return
    yield _owner(defaults_file, client.owner, _daemon(state_dir))
    yield from _server(MysqlSource(defaults_file), client.where)


def _owner(path: str, owner: int, daemon: int) -> Finding:
    if owner in {0, daemon}:
        return Finding(Severity.OK, f"can be read, and belongs to {_name(owner)} alone", path)
    what = f"belongs to {_name(owner)}, who can send the agent to another server; the daemon runs as {_name(daemon)}"
    return Finding(Severity.WARNING, what, path, f"chown {_name(daemon)} {path}")


def _server(source: MysqlSource, where: str) -> Iterator[Finding]:
    try:
        collected = source.collect()
    except AgentError as error:
        yield Finding(Severity.PROBLEM, without_place(error.message, where), where, error.hint)
        return
    missing = source.missing_privilege
    source.close()
    yield Finding(Severity.OK, _said(source, collected), where)
    for standstill in source.standstills:
        yield Finding(Severity.WARNING, _stands(standstill), where, _remedy(standstill))
    if missing:
        what = f"{source.account} may not see replication: on a replica its state and its lag are missing"
        yield Finding(Severity.WARNING, what, where, f"GRANT {missing} ON *.* TO {quoted(source.account)}")
    if collected.left_out:
        what = f"{collected.left_out} of its status variables are missing or make no sense"
        yield Finding(Severity.WARNING, what, where, "is a proxy in its place? name the server itself")


def _said(source: MysqlSource, collected: Collected) -> str:
    values = {reading.name: reading.value for reading in collected.gauges}
    used, limit = values.get("mysql_connections", 0.0), values.get("mysql_connections_limit", 0.0)
    running = "; its replication runs" if values.get("mysql_replication_running") == 1 else ""
    return f"{source.version} lets in {source.account}: {used:.0f} of {limit:.0f} connections{running}"


def _stands(standstill: Standstill) -> str:
    said = f"the server says: {standstill.error}" if standstill.error else "the server tells no error"
    return f"{standstill.what}; {said}"


def _remedy(standstill: Standstill) -> str:
    """Without an error it was stopped by somebody, or has not been started."""
    first = "mend what the server says, then: " if standstill.error else ""
    return f"{first}{standstill.statement}"


def quoted(account: str) -> str:
    """Write ``user@host`` as GRANT takes it: ``'user'@'host'``. The host has no ``@``; the user may have."""
    user, _, host = account.rpartition("@")
    return "@".join("'" + part.replace("\\", "\\\\").replace("'", "''") + "'" for part in (user, host))


def _daemon(state_dir: str) -> int:
    try:
        return Path(state_dir).stat().st_uid
    except OSError:
        return os.geteuid()


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
