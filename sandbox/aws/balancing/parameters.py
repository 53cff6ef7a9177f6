"""Reading the forms of the query protocol: lists, their members' fields, pages. What is wrong is a violation."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar

from sandbox.aws.answers import ServiceError, invalid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox.aws.front_service import Parameters

Row = TypeVar("Row")
_NUMBER = re.compile(r"[1-9][0-9]{0,5}")
_ALWAYS = frozenset({"Action", "Version"})


def check_known(params: Parameters, *names: str) -> None:
    """Refuse parameters of other names."""
    for key in params:
        if key.partition(".")[0] not in _ALWAYS.union(names):
            raise invalid(f"the sandbox does not know {key}")


def members(params: Parameters, name: str) -> list[dict[str, str]]:
    """Return the fields of each member of a list: `Name.member.1.Id` and the like; a plain text is the field ``.``."""
    found: dict[int, dict[str, str]] = {}
    for key, value in params.items():
        # SDKs write an empty list as an empty text.
        if key.partition(".")[0] != name or (key == name and not value):
            continue
        parts = key.split(".", 3)
        if len(parts) < 3 or parts[1] != "member" or not _NUMBER.fullmatch(parts[2]):
            raise invalid(f"the sandbox does not know {key}")
        found.setdefault(int(parts[2]), {})[parts[3] if len(parts) > 3 else "."] = value
    if sorted(found) != list(range(1, len(found) + 1)):
        raise invalid(f"{name} has gaps in its numbers")
    return [found[number] for number in sorted(found)]


def texts(params: Parameters, name: str, limit_count: int, what: str) -> list[str]:
    """Return a list of texts, of which there may be so many; `what` they are is for the message."""
    rows = members(params, name)
    if any(list(row) != ["."] for row in rows):
        raise invalid(f"{name} is a list of texts")
    if len(rows) > limit_count:
        raise invalid(f"The number of {what} exceeds the limit of {limit_count}")
    return [row["."] for row in rows]


def required(params: Parameters, name: str) -> str:
    """Return a text that must be there."""
    value = params.get(name)
    if not isinstance(value, str) or not value:
        raise invalid(
            f"1 validation error detected: Value null at '{name}' failed to satisfy constraint: Member must not be null"
        )
    return value


def whole(value: str, name: str, lowest: int, highest: int) -> int:
    """Return a whole number within its bounds."""
    if not re.fullmatch(r"[0-9]{1,9}", value) or not lowest <= int(value) <= highest:
        raise invalid(
            f"1 validation error detected: Value '{value}' at '{name}' failed to satisfy constraint: Member must have "
            f"value between {lowest} and {highest}"
        )
    return int(value)


def truth(params: Parameters, name: str) -> bool:
    """Return a truth value that must be there."""
    value = required(params, name)
    if value not in {"true", "false"}:
        raise invalid(f"'{value}' at '{name}' is neither true nor false")
    return value == "true"


def page(
    rows: Sequence[Row], params: Parameters, *, token: str, size: str, limit_count: int, most_count: int | None = None
) -> tuple[list[Row], str]:
    """Return one page, and the token of the next or an empty text.

    Args:
        rows: all there are, in an order that does not change.
        params: with the token and the size, if there are any.
        token: the parameter's name.
        size: the parameter's name.
        limit_count: the largest size, and the one of a request that names none.
        most_count: how many a page holds at most, whatever was asked for.
    """
    asked_count = whole(params[size], size, 1, limit_count) if size in params else limit_count
    count = asked_count if most_count is None else min(asked_count, most_count)
    text = str(params.get(token, "0"))
    if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) > len(rows):
        raise ServiceError("InvalidNextToken", f"the {token} '{text}' is not valid", is_violation=True)
    start = int(text)
    return list(rows[start : start + count]), str(start + count) if start + count < len(rows) else ""
