"""The file of users and grants: SQL that a client can run as it is, and that can be taken apart again. Pure.

Everybody is created first, roles before users, so that grants can name them in any order; then what each may; then the
roles they begin with. Who exists already becomes what the source had. Creation comes before the data in a restore, so
that definers exist; grants after it, since those on tables and routines want these to exist. Above the statements of an
account stands a comment that names it. The file holds password hashes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from vawsum_agent.backup.dump.statement import Statement
from vawsum_agent.core.errors import BackupError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

HEAD = ("SET NAMES utf8mb4", "SET SESSION sql_mode = ''")
"""How all statements are meant; each session that runs some begins with these."""

_PARTS = ("creation", "grants", "defaults")
_COMMENT = re.compile(rb"-- (creation|grants|defaults) of (\[.*\])\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A user or a role.

    Attributes:
        host: empty for a role of MariaDB.
        creation: statements that make it what it is, without ``;``.
        grants: statements that say what it may.
        defaults: statements that say which roles it begins with.
    """

    user: str
    host: str
    is_role: bool
    creation: tuple[str, ...] = ()
    grants: tuple[str, ...] = ()
    defaults: tuple[str, ...] = ()

    def part(self, name: str) -> tuple[str, ...]:
        """Statements by the name of their attribute."""
        return {"creation": self.creation, "grants": self.grants, "defaults": self.defaults}[name]


def write_grants(accounts: Sequence[Account]) -> bytes:
    """Write the file: each statement ends with ``;`` and a newline."""
    return b"".join([_sql(HEAD), *(_of(one, part) for part in _PARTS for one in accounts)])


def read_grants_file(content: bytes) -> list[Account]:
    """Take a file apart.

    Raises:
        BackupError: it is none of ours.
    """
    parts: dict[tuple[str, str, bool], dict[str, list[str]]] = {}
    statements: list[str] = []
    for what in _pieces(content):
        comment = _COMMENT.fullmatch(what)
        if comment is None:
            statements.append(what.decode())
            continue
        try:
            key = msgspec.json.decode(comment[2], type=tuple[str, str, bool])
        except msgspec.MsgspecError as exc:
            raise _damaged() from exc
        statements = parts.setdefault(key, {}).setdefault(comment[1].decode(), [])
    return [
        Account(user=user, host=host, is_role=is_role, **{part: tuple(those) for part, those in found.items()})
        for (user, host, is_role), found in parts.items()
    ]


def _of(account: Account, part: str) -> bytes:
    statements = account.part(part)
    if not statements and part != "creation":
        return b""
    who = msgspec.json.encode((account.user, account.host, account.is_role))
    return b"-- %s of %s\n%s" % (part.encode(), who, _sql(statements))


def _sql(statements: Iterable[str]) -> bytes:
    return "".join(f"{statement};\n" for statement in statements).encode()


def _pieces(content: bytes) -> Iterator[bytes]:
    """Give comments with their newline, and statements without their end."""
    at, statement = 0, Statement()
    while at < len(content):
        comment = _COMMENT.match(content, at)
        if comment is not None:
            yield comment[0]
            at = comment.end()
            continue
        end, is_over = statement.skip(content, at, is_last=True)
        if not is_over or not content.startswith(b"\n", end):
            raise _damaged()
        yield content[at : end - 1]
        at = end + 1


def _damaged() -> BackupError:
    return BackupError("the file of users and grants is damaged", hint="take another backup")
