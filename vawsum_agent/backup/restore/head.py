"""What every client of a restore is told first: the session settings of the dump. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vawsum_agent.backup.server.programs import Program

_SANDBOX = b"/*M!999999\\-"
_KNOWING = {(10, 5): 25, (10, 6): 18, (10, 11): 8, (11, 0): 6, (11, 1): 5, (11, 2): 4, (11, 4): 2}
"""From which patch on MariaDB's client knows the line; every later series does."""


def knows_sandbox(program: Program) -> bool:
    """Whether a client takes the line with which MariaDB's dumps begin since 2024; others end with an error at it."""
    series, patch = program.number[:2], program.number[2]
    if program.flavour != "mariadb":
        return False
    return patch >= _KNOWING[series] if series in _KNOWING else series > max(_KNOWING)


def head_for(program: Program, head: bytes, *, is_logged: bool) -> bytes:
    """Give what a client is told first.

    Args:
        program: the client.
        head: of the dump.
        is_logged: the server may write what follows to its binary log.
    """
    if head.startswith(_SANDBOX) and not knows_sandbox(program):
        head = head.partition(b"\n")[2]
    return head if is_logged else b"SET SESSION sql_log_bin = 0;\n" + head


def use(database: str) -> bytes:
    """The statement that goes on in a database."""
    return b"USE " + quoted(database) + b";\n"


def quoted(name: str) -> bytes:
    """A name as SQL quotes it, in the encoding of the dump."""
    return b"`" + name.replace("`", "``").encode() + b"`"
