"""What one line of an access log says about its request: the definition that `columns` keeps to in bulk. Pure.

A line that is no request of common, combined or vhost_combined, alone or with more behind it, says nothing.
"""

from __future__ import annotations

import re

from vawsum_agent.core.requests import LONGEST_HOST

US_PER_S = 1_000_000

_QUOTED = rb"(?:[^\"\\\n]++|\\[^\n])*+\""
_HEAD = rb"[0-9.-]*+[A-Za-z][0-9A-Za-z._-]*+:\d{1,5}+"

NUMBERS = rb" (\d{1,15})(?:[ /](\d{1,15}))?(?=[ \n]|\Z)"
"""One number or two, and the line ends or something else follows."""

HOST = re.compile(rb"(" + _HEAD + rb") (?!- )")
"""A virtual host as ``%v:%p`` writes it: a name with a letter in it, since an address with a port in that place is that
of a client or a proxy. The identity (``-``) never follows it, as it would a client's IPv6 address."""

HOST_LATER = re.compile(rb"\n" + HOST.pattern)

# An empty user is written as two quotes; any other bare quote before the time's bracket opened a field that clients
# fill. What follows the sizes may be quoted fields, then one or two numbers, then anything.
_LINE = re.compile(
    rb"(?:[^\"\\\n]++|\\[^\n]|(?<!\] )\"\")*+(?<=\] )\"" + _QUOTED + rb" (\d{3}) (\d{1,15}|-)(?=[ \n]|\Z)"
    rb"(?:(?: \"" + _QUOTED + rb")*+" + NUMBERS + rb")?"
)


def read_line(line: bytes) -> tuple[bytes, int, int, tuple[bytes, bytes]] | None:
    """Read one line, with or without its newline.

    Returns:
        The virtual host (empty where the line does not tell), the status, the bytes sent and the numbers in the place
        of a latency, both empty where there is none, the second where there is one; None when it is no request.
    """
    found = _LINE.match(line)
    if found is None:
        return None
    status, size, first, second = found.groups(b"")
    return host_of(line), int(status), 0 if size == b"-" else int(size), (first, second)


def host_of(line: bytes) -> bytes:
    """Read the virtual host at the beginning of a line; empty where there is none."""
    found = HOST.match(line)
    return name_of(found[1]) if found else b""


def name_of(head: bytes) -> bytes:
    """Take the port off ``name:port``; empty when the name is too long to be one."""
    name = head.rpartition(b":")[0]
    return name if len(name) <= LONGEST_HOST else b""


def is_host(head: bytes) -> bool:
    """Whether the text before a line's first space has the form of a virtual host."""
    return HOST.fullmatch(head + b" ") is not None


def pair_us(first: int, second: int) -> int | None:
    """Find the microseconds in ``%D %T``, ``%T %D`` or ``%T/%D``; None for two numbers that are something else.

    Apache takes both from one duration. What ``%I %O`` (mod_logio) writes in the same place is not related like that.
    """
    if second // US_PER_S == first:
        return second
    return first if first // US_PER_S == second else None
