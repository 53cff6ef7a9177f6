"""Reading the parameters of a request, with the service's messages for what is wrong with them."""

from __future__ import annotations

import re
from typing import Any

from sandbox.aws.answers import invalid

Parameters = dict[str, Any]

GROUP_NAME = re.compile(r"[.\-_/#A-Za-z0-9]{1,512}")
STREAM_NAME = re.compile(r"[^:*]{1,512}", re.DOTALL)
KMS_KEY_ID = re.compile(r".{1,256}")


def _constraint(value: object, where: str, text: str) -> str:
    return f"1 validation error detected: Value '{value}' at '{where}' failed to satisfy constraint: {text}"


def text(params: Parameters, key: str, shape: re.Pattern[str]) -> str:
    """Return a text that must be there."""
    value = params.get(key)
    if value is None:
        raise invalid(f"1 validation error detected: Value null at '{key}' failed to satisfy constraint: "
                      "Member must not be null")  # fmt: skip
    if not isinstance(value, str) or not shape.fullmatch(value):
        wanted = f"Member must satisfy regular expression pattern: {shape.pattern}"
        raise invalid(_constraint(value, key, wanted))
    return value


def optional_text(params: Parameters, key: str) -> str:
    """Return a text, empty when it isn't there."""
    value = params.get(key, "")
    if not isinstance(value, str):
        raise invalid(_constraint(value, key, "Member must be a string"))
    return value


def integer(params: Parameters, key: str, lowest: int, highest: int) -> int | None:
    """Return a whole number within its bounds, or None when it isn't there."""
    value = params.get(key)
    if value is None:
        return None
    if type(value) is not int or not lowest <= value <= highest:
        wanted = f"Member must have value between {lowest} and {highest}"
        raise invalid(_constraint(value, key, wanted))
    return value


def flag(params: Parameters, key: str) -> bool:
    """Return a truth value, false when it isn't there."""
    value = params.get(key, False)
    if not isinstance(value, bool):
        raise invalid(_constraint(value, key, "Member must be a boolean"))
    return value
