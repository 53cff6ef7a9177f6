"""Turns the merged tree into the model, field by field, and collects every violation on the way. Pure.

msgspec stops at the first error, so the walk over tables is ours and msgspec judges single values. A field that is
refused holds INVALID, so that what involves several fields can still be checked; such a model never leaves `load`.
"""

from __future__ import annotations

import difflib
import re
import types
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Literal,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

import msgspec

from vawsum_agent.config.model import Bytes, Seconds
from vawsum_agent.config.rules import Rule
from vawsum_agent.config.tree import MISSING, Leaf, Table, file_of, shown
from vawsum_agent.core.errors import Violation
from vawsum_agent.core.units import parse_duration_s, parse_size_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Invalid:
    """Stands in the model for a value that was refused."""

    def __repr__(self) -> str:
        return "(refused)"


INVALID = Invalid()

FUTURE_TABLES = ("fleet",)
"""Tables of capabilities that other versions have."""

_INDEX = re.compile(r"\[\d+\]")

_WRITTEN: dict[Any, Callable[[str], float]] = {Seconds: parse_duration_s, Bytes: parse_size_bytes}

S = TypeVar("S", bound=msgspec.Struct)


def convert(model: type[S], table: Table, violations: list[Violation]) -> S:
    """Build a Struct from a table; adds to ``violations`` whatever does not fit."""
    hints = get_type_hints(model, include_extras=True)
    fields: dict[str, object] = {}
    for field in msgspec.structs.fields(model):
        entry = table.entries.get(field.name)
        if entry is not None:
            fields[field.name] = _converted(hints[field.name], entry, table.path_to(field.name), violations)
        elif field.required:
            fields[field.name] = INVALID
            expected = f"{describe(hints[field.name])}; it is required"
            violations.append(Violation(table.file, table.path_to(field.name), MISSING, expected))
    for name, entry in table.entries.items():
        if name not in hints:
            path = table.path_to(name)
            expected = _of_unknown(path, name, hints, is_table=not isinstance(entry, Leaf))
            violations.append(Violation(file_of(entry), path, shown(entry), expected))
    return model(**fields)


def _of_unknown(path: str, name: str, hints: Mapping[str, object], *, is_table: bool) -> str:
    """Say what would be known in its place: of tables and keys those of its own kind, as far as there are any."""
    if path in FUTURE_TABLES:
        return f"no [{name}]: this version of the agent does not know it"
    close = difflib.get_close_matches(name, hints, n=1)
    if close:
        return f"a known key; did you mean {close[0]}?"
    above = _INDEX.sub("", path.rpartition(".")[0])
    tables = [heading(f"{above}.{known}" if above else known, hint) for known, hint in hints.items() if _is_table(hint)]
    keys = [known for known, hint in hints.items() if not _is_table(hint)]
    if is_table and tables:
        return f"a known table: {_one_of(tables)}"
    if keys:
        return f"a known key: {_one_of(keys)}"
    return f"a table, in which its keys stand: {_one_of(tables)}"


def _one_of(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"one of {', '.join(names)}"


def _is_table(hint: object) -> bool:
    return struct_of(hint)[0] is not None


def heading(path: str, hint: object) -> str:
    """A table's heading in TOML: ``[logs]``, ``[[logs.source]]``."""
    return f"[[{path}]]" if struct_of(hint)[1] else f"[{path}]"


def _converted(hint: object, entry: Leaf | Table | list[Table], path: str, violations: list[Violation]) -> object:
    """Convert one entry of a table."""
    model, is_array = struct_of(hint)
    if model is None:
        if isinstance(entry, Leaf):
            return _value(hint, entry.value, entry.file, path, violations)
    elif is_array and isinstance(entry, list):
        return [convert(model, item, violations) for item in entry]
    elif not is_array and isinstance(entry, Table):
        return convert(model, entry, violations)
    elif is_array and isinstance(entry, Leaf) and entry.value == []:
        return []
    violations.append(Violation(file_of(entry), path, shown(entry), describe(hint)))
    return INVALID


def _value(hint: object, value: object, file: str, path: str, violations: list[Violation]) -> object:
    """Convert one value that is no table; the items of a list one by one, each with its own path."""
    base, metadata = bare(hint)
    if get_origin(base) is list and isinstance(value, list):
        (item_hint,) = get_args(base)
        converted = [_value(item_hint, item, file, f"{path}[{i}]", violations) for i, item in enumerate(value)]
        # One bad item hides nothing that is wrong with the others.
        good = [item for item in converted if item is not INVALID]
        expected = _unmet(metadata, good) if good or not value else None
        if expected is None and len(good) < len(value):
            return INVALID
    else:
        converted, expected = _scalar(hint, base, value)
        expected = expected or _unmet(metadata, converted)
    if expected:
        violations.append(Violation(file, path, shown(value), expected))
        return INVALID
    return converted


def _scalar(hint: object, base: object, value: object) -> tuple[Any, str | None]:
    """The converted value, and what is expected if it does not fit."""
    parse = _WRITTEN.get(base)
    try:
        if parse is not None:
            return parse(value if isinstance(value, str) else ""), None
        return msgspec.convert(value, hint, strict=True), None
    except msgspec.ValidationError:
        return None, describe(hint) + _nearest(base, value)
    except ValueError as error:  # of our own parsers: the message is what is expected
        return None, str(error)


def _nearest(base: object, value: object) -> str:
    if get_origin(base) is not Literal or not isinstance(value, str):
        return ""
    close = difflib.get_close_matches(value, get_args(base), n=1)
    return f'; did you mean "{close[0]}"?' if close else ""


def _unmet(metadata: list[object], value: object) -> str | None:
    for mark in metadata:
        if isinstance(mark, msgspec.Meta) and mark.min_length and isinstance(value, list) and not value:
            return "at least one item"
        expected = mark.check(value) if isinstance(mark, Rule) else None
        if expected:
            return expected
    return None


def bare(hint: object) -> tuple[object, list[object]]:
    """A type without its annotations, and the annotations."""
    if get_origin(hint) is Annotated:
        base, *metadata = get_args(hint)
        return base, metadata
    return hint, []


def struct_of(hint: object) -> tuple[type[msgspec.Struct] | None, bool]:
    """The Struct that a hint holds, if any, and whether it holds an array of them."""
    base, _ = bare(hint)
    if get_origin(base) in (Union, types.UnionType):
        (base,) = (option for option in get_args(base) if option is not type(None))
    is_array = get_origin(base) is list
    if is_array:
        base, _ = bare(get_args(base)[0])
    if isinstance(base, type) and issubclass(base, msgspec.Struct):
        return base, is_array
    return None, is_array


_WORDS: dict[Any, str] = {
    str: "text",
    int: "a whole number",
    bool: "true or false",
    float: "a number",
    Seconds: 'a duration such as "500ms", "90s", "10m", "24h" or "15d"',
    Bytes: 'a size such as "512KiB" or "16MiB"',
}


def describe(hint: object) -> str:
    """What a hint accepts, in words."""
    model, is_array = struct_of(hint)
    if model is not None:
        return "an array of tables ([[…]])" if is_array else "a table"
    base, metadata = bare(hint)
    rules = [mark.text for mark in metadata if isinstance(mark, Rule)]
    if get_origin(base) is Literal:
        return "one of " + ", ".join(f'"{choice}"' for choice in get_args(base))
    if get_origin(base) is list:
        return "; ".join([f"a list, each {describe(get_args(base)[0])}", *rules])
    if base is str and rules:
        return rules[0]  # that it is text goes without saying
    is_filled = any(isinstance(mark, msgspec.Meta) and mark.min_length for mark in metadata)
    return _WORDS[base] + (" that is not empty" if is_filled else "") + "".join(f", {rule}" for rule in rules)
