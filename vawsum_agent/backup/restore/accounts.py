"""Which of a backup's grants are restored: all but those of the account that restores. Pure.

To set that one's password to what it was would lock us out amid the work, and on a new server whoever made it.
"""

from __future__ import annotations

import re

_QUOTES = ("'", "`", '"')
_PIECE = re.compile(
    rb"'(?:[^'\\]|\\.|'')*'|`(?:[^`]|``)*`|\"(?:[^\"\\]|\\.|\"\")*\"|;|--[^\n]*|[^'`\";-]+|-", re.DOTALL
)


def without(sql: bytes, account: str) -> tuple[bytes, int]:
    """Leave the statements out that name an account.

    Args:
        sql: ``CREATE USER``, ``GRANT`` and the like.
        account: ``user@host``, as ``CURRENT_USER()`` gives it.

    Returns:
        The others, and how many were left out.
    """
    user, _, host = account.rpartition("@")
    forms = [
        (left + _escaped(user, left) + left + "@" + right + _escaped(host, right) + right).encode()
        for left in _QUOTES
        for right in _QUOTES
    ]
    kept, left_out = [], 0
    for statement in _statements(sql):
        if any(form in statement for form in forms):
            left_out += 1
        else:
            kept.append(statement)
    return b"".join(kept), left_out


def _statements(sql: bytes) -> list[bytes]:
    statements, pieces = [], []
    for piece in _PIECE.findall(sql):
        pieces.append(piece)
        if piece == b";":
            statements.append(b"".join(pieces))
            pieces = []
    return [*statements, b"".join(pieces)]


def _escaped(name: str, quote: str) -> str:
    doubled = name.replace(quote, quote * 2)
    return doubled if quote == "`" else doubled.replace("\\", "\\\\")
