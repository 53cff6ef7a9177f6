"""Single log events, for the rare paths that look at them one by one."""

from __future__ import annotations

import zlib
from typing import NamedTuple

import orjson


class Event(NamedTuple):
    """One log event.

    Attributes:
        time_ms: milliseconds since the epoch.
        message: its text as sent, already redacted.
        length: the bytes of the file it stands for.
    """

    time_ms: int
    message: str
    length: int


def events_of(body: bytes) -> list[tuple[int, str]]:
    """Read the (time, message) pairs back out of a composed request."""
    request = orjson.loads(zlib.decompress(body, wbits=31))
    return [(event["timestamp"], event["message"]) for event in request["logEvents"]]
