"""Leaves out the agent's own looks at status pages: they would be requests that nobody made. Pure.

What a line must say for that: one of the configured pages, asked for from this host, by the agent where the log tells.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable

_AGENT = b'"vawsum-agent"'

# The identity (``-``) right behind it tells the address from what a proxy's header says in the same place.
_FROM_HERE = re.compile(rb"(?:[^ \n]+ )?(?:127\.\d+\.\d+\.\d+|::1|localhost) - ")


class OwnVisits:
    """The status pages that the agent looks at.

    Args:
        urls: of the pages.
    """

    def __init__(self, urls: Iterable[str] = ()) -> None:
        self._requests = [b'] "GET %b HTTP/1.1" ' % target.encode() for target in dict.fromkeys(map(_target, urls))]

    def left_out(self, part: bytes) -> bytes:
        """Give lines without those of the agent's own visits; with none among them that costs one search a page."""
        for request in self._requests:
            if request in part:
                part = _without(part, request)
        return part


def _target(url: str) -> str:
    """What stands between method and protocol."""
    parts = urlsplit(url)
    return f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"


def _without(part: bytes, request: bytes) -> bytes:
    kept: list[bytes] = []
    start = 0
    at = part.find(request)
    while at >= 0:
        begin = part.rfind(b"\n", start, at) + 1 or start
        end = part.find(b"\n", at) + 1 or len(part)
        if _FROM_HERE.match(part, begin, at) and _is_by_agent(part[at + len(request) : end]):
            kept.append(part[start:begin])
            start = end
        at = part.find(request, end)
    return b"".join([*kept, part[start:]])


def _is_by_agent(rest: bytes) -> bool:
    """Whether what follows the request names the agent, or names nobody."""
    return _AGENT in rest or b'"' not in rest
