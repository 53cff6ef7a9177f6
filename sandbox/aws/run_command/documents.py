"""Documents of type Command: what `CreateDocument` refuses, and which parameters `SendCommand` takes. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from sandbox.aws.answers import ServiceError

if TYPE_CHECKING:
    from collections.abc import Mapping

Content = dict[str, Any]

_NAME = re.compile(r"[a-zA-Z0-9_\-.]{3,128}")
_TYPES = {"String", "StringList", "Boolean", "Integer", "MapList", "StringMap"}
_USED = re.compile(r"\{\{\s*(?!ssm:|platform)([\w.:-]+)\s*\}\}")


@dataclass(frozen=True, slots=True)
class CommandDocument:
    """A document by its name, as it was created."""

    name: str
    text: str
    content: Content

    @property
    def step_names(self) -> list[str]:
        """The names of its steps, in order."""
        return [step["name"] for step in self.content["mainSteps"]]


def read_document(name: str, text: str) -> CommandDocument:
    """Read a document of schema 2.2.

    Raises:
        ServiceError: the service would refuse it.
    """
    if not _NAME.fullmatch(name) or name.lower().startswith(("aws", "amzn")):
        raise _refused("ValidationException", f"Value '{name}' at 'name' failed to satisfy constraint")
    try:
        content = orjson.loads(text)
    except orjson.JSONDecodeError as exc:
        raise _refused("InvalidDocumentContent", f"JSON not well-formed. {exc}") from exc
    if not isinstance(content, dict) or content.get("schemaVersion") != "2.2":
        raise _refused("InvalidDocumentSchemaVersion", "The sandbox takes schemaVersion '2.2', a text, and no other")
    _check_steps(content.get("mainSteps"))
    _check_parameters(content)
    return CommandDocument(name, text, content)


def check_given(document: CommandDocument, given: Mapping[str, object]) -> None:
    """Check the parameters of a command.

    As the service does it: a pattern without ^ and $ holds when it is found anywhere, and $ also before a newline at
    the end. What gets past is the script's to refuse.

    Raises:
        ServiceError: `InvalidParameters`.
    """
    defined: dict[str, Content] = document.content.get("parameters", {})
    for name in given:
        if name not in defined:
            raise _refused("InvalidParameters", f"Parameter {name} is not defined in document {document.name}")
    for name, definition in defined.items():
        if name not in given:
            if "default" not in definition:
                raise _refused("InvalidParameters", f"Parameter {name} has no value and no default")
            continue
        values = given[name]
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise _refused("SerializationException", f"Parameter {name} is no list of texts")
        _check_values(name, definition, values)


def _check_values(name: str, definition: Content, values: list[str]) -> None:
    if definition["type"] != "StringList" and len(values) != 1:
        raise _refused("InvalidParameters", f"Parameter {name} takes one value")
    pattern, allowed = definition.get("allowedPattern"), definition.get("allowedValues")
    for value in values:
        if pattern is not None and not re.search(pattern, value):
            raise _refused("InvalidParameters", f"Value of parameter {name} does not match the pattern {pattern}")
        if allowed is not None and value not in allowed:
            raise _refused("InvalidParameters", f"Value of parameter {name} is not among the allowed values")


def _check_steps(steps: object) -> None:
    if not isinstance(steps, list) or not steps:
        raise _refused("InvalidDocumentContent", "mainSteps must hold at least one step")
    names = [step.get("name") if isinstance(step, dict) else None for step in steps]
    if len(set(names)) != len(names) or not all(isinstance(name, str) and name for name in names):
        raise _refused("InvalidDocumentContent", "each step needs a name of its own")
    for step in steps:
        unknown = step.keys() - {"action", "name", "precondition", "inputs", "settings", "maxAttempts"}
        if unknown or "action" not in step or not isinstance(step.get("inputs"), dict):
            raise _refused("InvalidDocumentContent", f"step {step['name']} has {sorted(unknown)}, or lacks something")


def _check_parameters(content: Content) -> None:
    parameters = content.get("parameters", {})
    for name, definition in parameters.items():
        if not re.fullmatch(r"[a-zA-Z0-9]+", name) or definition.get("type") not in _TYPES:
            raise _refused("InvalidDocumentContent", f"parameter {name} has a bad name or type")
        if definition.get("interpolationType", "TEXT") not in {"ENV_VAR", "TEXT"}:
            raise _refused("InvalidDocumentContent", f"parameter {name} has an unknown interpolationType")
        try:
            re.compile(definition.get("allowedPattern", ""))
        except re.error as exc:
            raise _refused("InvalidDocumentContent", f"parameter {name} has a pattern that is none: {exc}") from exc
    undefined = set(_USED.findall(orjson.dumps(content["mainSteps"]).decode())) - parameters.keys()
    if undefined:
        raise _refused("InvalidDocumentContent", f"parameters used and not defined: {sorted(undefined)}")


def _refused(code: str, message: str) -> ServiceError:
    return ServiceError(code, message)
