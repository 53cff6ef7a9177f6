"""What a client program says of its failure, and what can be done about it. Pure."""

from __future__ import annotations

import re
from enum import Enum

from vawsum_agent.core.text import printable

_ERROR = re.compile(r"ERROR (\d{4,5})(?: \([^)]*\))?")

_UNREACHED = frozenset({2002, 2003, 2005, 1040, 1203})
"""There is no server, or it takes no more connections."""

_LOST = frozenset({2006, 2013, 2055, 1053, 1077, 1080, 1152, 1158, 1159, 1160, 1161, 1317, 1927})
"""There was one."""

_AGAIN = frozenset({1205, 1213})
"""Tables that refer to each other got into each other's way."""

_PARENT_MISSING = frozenset({1005, 1215, 1822, 3734})
"""A foreign key finds no index at the other table: perhaps not yet."""

_REFUSED_ALL = frozenset({1021, 1044, 1045, 1114, 1698, 1290, 1836, 3, 1030})
"""Full, read only, not allowed: the next table fares no better."""

_HINTS = {
    1045: "make user and password in the option file those of an account of the server",
    1698: "make user and password in the option file those of an account of the server",
    1044: "the account needs all privileges on what is restored",
    1142: "the account needs all privileges on what is restored",
    1227: "the account needs SUPER or SET USER, as the dump names definers; and BINLOG ADMIN for --no-binlog",
    1153: "raise max_allowed_packet on the server to 1G, then go on with --resume",
    1021: "the server's disk is full: make room, then go on with --resume",
    1114: "the server's disk is full: make room, then go on with --resume",
    1290: "the server is read only: SET GLOBAL read_only = 0, then go on with --resume",
    1836: "the server is read only: SET GLOBAL read_only = 0, then go on with --resume",
    1273: "the server does not know this collation: it is older than the one that was dumped, or the other product",
    1419: "SET GLOBAL log_bin_trust_function_creators = 1 on the server, or --no-binlog; then go on with --resume",
}


class Kind(Enum):
    """What a failure is to a restore."""

    UNREACHED = "unreached"
    LOST = "lost"
    AGAIN = "again"
    PARENT_MISSING = "parent missing"
    ALL = "all"
    OWN = "own"


def told(words: bytes) -> str:
    """What of a client's stderr may be shown: its errors, on one printable line.

    Above an error stands the whole statement: rows of people, or hashes of their passwords.
    """
    lines = [line.strip() for line in words.decode(errors="replace").split("\n") if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR ")]
    return " | ".join(map(printable, errors or lines[-1:]))


def kind_of(words: str) -> Kind:
    """Tell whether trying again helps, and when. ``OWN``: a failure of the one thing that was restored."""
    code = code_of(words)
    for kind, codes in (
        (Kind.UNREACHED, _UNREACHED),
        (Kind.LOST, _LOST),
        (Kind.AGAIN, _AGAIN),
        (Kind.PARENT_MISSING, _PARENT_MISSING),
        (Kind.ALL, _REFUSED_ALL),
    ):
        if code in codes:
            return kind
    return Kind.OWN


def code_of(words: str) -> int:
    """The number of the error; 0 without one."""
    found = _ERROR.search(words)
    return int(found[1]) if found else 0


def hint_of(words: str) -> str:
    """What a person can do."""
    return _HINTS.get(code_of(words), "mend it, then go on with --resume")
