"""From a source's configuration to its Format."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.core.errors import ConfigError, Violation
from vawsum_agent.logs.formats.apache import apache_access, apache_error
from vawsum_agent.logs.formats.json_lines import json_lines
from vawsum_agent.logs.formats.mysql import mysql_error, mysql_slow
from vawsum_agent.logs.formats.php import php_error, php_fpm, php_fpm_slow
from vawsum_agent.logs.formats.plain import plain
from vawsum_agent.logs.formats.syslog import syslog
from vawsum_agent.logs.formats.zones import Zone, find_zone

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from vawsum_agent.config.model import FormatName, LogSource
    from vawsum_agent.logs.formats.format import Format

_MAKERS: Mapping[FormatName, Callable[[Zone], Format]] = {
    "apache-access": lambda _zone: apache_access(),
    "apache-error": apache_error,
    "php-error": php_error,
    "php-fpm": php_fpm,
    "php-fpm-slow": php_fpm_slow,
    "mysql-error": mysql_error,
    "mysql-slow": mysql_slow,
    "syslog": syslog,
    "json": json_lines,
}


def make_format(source: LogSource) -> Format:
    """Make the format that a source names.

    Raises:
        ConfigError: its zone is unknown to this system, or its own patterns can't be compiled. The loader checks
            both; this is for sources that were made without it.
    """
    zone = find_zone(source.timezone)
    if zone is None:
        raise _refused(source, "timezone", source.timezone, "a name from the IANA time zone database")
    if source.format != "plain":
        return _MAKERS[source.format](zone)
    try:
        return plain(source.multiline_start, source.timestamp_format, zone)
    except ValueError as error:
        value = f"{source.multiline_start} {source.timestamp_format}".strip()
        raise _refused(source, "multiline_start, timestamp_format", value, str(error)) from error


def _refused(source: LogSource, key: str, value: str, expected: str) -> ConfigError:
    return ConfigError([Violation("configuration", f"logs.source {source.name!r} {key}", value, expected)])
