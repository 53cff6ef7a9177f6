"""Names and texts as SQL, whatever is in them. Pure; for a session whose SQL mode is empty."""

from __future__ import annotations


def identifier(name: str) -> str:
    """Write the name of a database, table, role or user between backticks."""
    return f"`{name.replace('`', '``')}`"


def text(value: str) -> str:
    """Write a string literal."""
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def account(user: str, host: str) -> str:
    """Write ``user@host``."""
    return f"{identifier(user)}@{identifier(host)}"
