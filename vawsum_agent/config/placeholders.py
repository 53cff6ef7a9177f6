"""Placeholders in names that land in AWS: ``/vawsum/{environment}/{source}``. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

NAMES = ("environment", "role", "instance_id", "hostname", "source", "path", "basename")
"""What a template may name; ``{path}`` begins with a slash."""

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")


def expand(template: str, values: Mapping[str, str]) -> str:
    """Put ``values`` in place of their placeholders, once: a value that looks like a placeholder stays as it is.

    Raises:
        KeyError: the template names a placeholder that ``values`` lacks.
    """
    return _PLACEHOLDER.sub(lambda match: values[match[1]], template)


def unknown_parts(template: str) -> list[str]:
    """List what stands in braces but is no placeholder; a brace without its partner counts as one."""
    unknown = [f"{{{name}}}" for name in _PLACEHOLDER.findall(template) if name not in NAMES]
    rest = _PLACEHOLDER.sub("", template)
    return unknown + re.findall(r"\{[^{}]*\}|[{}]", rest)
