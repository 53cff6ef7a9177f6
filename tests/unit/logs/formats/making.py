"""What the format tests share: making a Format, cutting a block into its entries, and times as people write them."""

from __future__ import annotations

import itertools
from datetime import datetime
from typing import TYPE_CHECKING

from vawsum_agent.config.model import FormatName, LogSource
from vawsum_agent.logs.formats.registry import make_format

if TYPE_CHECKING:
    from vawsum_agent.logs.formats.format import Format

FORMAT_NAMES: tuple[FormatName, ...] = (
    "apache-access",
    "apache-error",
    "php-error",
    "php-fpm",
    "php-fpm-slow",
    "mysql-error",
    "mysql-slow",
    "syslog",
    "json",
    "plain",
)


def a_format(
    name: FormatName, *, timezone: str = "UTC", multiline_start: str = "", timestamp_format: str = ""
) -> Format:
    """Make a format as a source of the configuration would."""
    return make_format(
        LogSource(
            name="test",
            paths=["/var/log/test.log"],
            format=name,
            timezone=timezone,
            multiline_start=multiline_start,
            timestamp_format=timestamp_format,
        )
    )


def every_format(timezone: str = "UTC") -> list[Format]:
    """Make one of each, the plain one with both of its patterns."""
    return [
        a_format(name, timezone=timezone)
        if name != "plain"
        else a_format(name, timezone=timezone, multiline_start=r"\d{4}-", timestamp_format="%Y-%m-%d %H:%M:%S")
        for name in FORMAT_NAMES
    ]


def entries(log_format: Format, block: bytes) -> list[bytes]:
    """Cut a block into entries, the lines before the first start as one of their own."""
    if log_format.start is None:
        return block.splitlines(keepends=True)
    starts = [found.start() for found in log_format.start.finditer(block)]
    edges = [0, *(start for start in starts if start), len(block)]
    return [block[begin:end] for begin, end in itertools.pairwise(edges) if end > begin]


def ms(text: str) -> int:
    """Give the epoch milliseconds of an ISO 8601 time with its offset."""
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def s(text: str) -> float:
    """Give the epoch seconds of an ISO 8601 time with its offset."""
    return datetime.fromisoformat(text).timestamp()
