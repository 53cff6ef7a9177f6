"""What SSM Agent makes of a document and its parameters: text put in place of text, or variables of the environment.

As in amazon-ssm-agent's docparser. Whether a value is allowed was asked by the service: nothing is checked here.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    Values = Mapping[str, str | list[str]]

Document = dict[str, Any]

OLD_AGENT = "3.3.2299.0"
"""Knows no `interpolationType`, and reads a document that has it as if it had not."""
NEW_AGENT = "3.3.4121.0"
"""Knows it, as all agents from 3.3.2746.0 on."""
_FIRST_WITH_VARIABLES = (3, 3, 2746, 0)


@dataclass(frozen=True, slots=True)
class Rendered:
    """What a host carries out.

    Attributes:
        steps: the document's `mainSteps`, parameters put in place.
        variables: what the environment has besides.
    """

    steps: list[Document]
    variables: dict[str, str]


def render(document: Document, given: Values, agent_version: str) -> Rendered:
    """Put parameters in place as an agent of this version does.

    Args:
        document: of schema 2.2.
        given: by name, as `SendCommand` takes them; what is left out has its default.
        agent_version: such as `3.3.2746.0`.
    """
    knows_variables = tuple(int(part) for part in agent_version.split(".")) >= _FIRST_WITH_VARIABLES
    values: dict[str, object] = {}
    variables: dict[str, str] = {}
    for name, definition in document.get("parameters", {}).items():
        value = _value(definition, given.get(name))
        if knows_variables and definition.get("interpolationType") == "ENV_VAR":
            variables[f"SSM_{name}"] = _text(value)
            # Whatever it does with the text of such a parameter, the value does not get there.
            value = f"$SSM_{name}"
        values[name] = value
    return Rendered([_replaced(step, values) for step in document["mainSteps"]], variables)


def _value(definition: Document, given: str | list[str] | None) -> object:
    if given is None:
        return definition.get("default", "")
    if isinstance(given, list) and definition.get("type", "String") != "StringList":
        return given[0] if given else ""
    return given


def _replaced(item: Any, values: Mapping[str, object]) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(item, dict):
        return {key: _replaced(value, values) for key, value in item.items()}
    if isinstance(item, list):
        return [_replaced(value, values) for value in item]
    if not isinstance(item, str):
        return item
    for name, value in values.items():
        if re.fullmatch(rf"\{{\{{\s*{re.escape(name)}\s*\}}\}}", item):
            return value  # alone in its text it keeps its type
    pattern = "|".join(re.escape(name) for name in values) or "(?!)"
    # All at once: what a value holds is not looked at again.
    return re.sub(rf"\{{\{{\s*({pattern})\s*\}}\}}", lambda found: _text(values[found[1]]).replace("$$", "$"), item)


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
