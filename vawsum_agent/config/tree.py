"""TOML tables that remember the file they came from, and how the tables of several files become one. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from vawsum_agent.core.errors import Violation


@dataclass(frozen=True, slots=True, repr=False)
class Instead:
    """Stands where a value can't be shown, or is not there."""

    text: str

    def __repr__(self) -> str:
        return self.text


MISSING = Instead("(missing)")


@dataclass(slots=True)
class Leaf:
    """A value that is no table: as TOML gave it, and the file that gave it."""

    file: str
    value: object


@dataclass(slots=True)
class Table:
    """A table; merged from several files, each entry still knows its own.

    Attributes:
        file: the first file that has it.
        key: its path as violations name it, such as ``logs.source[0]``; an index counts within its file.
        entries: by key: a Leaf, a Table, or the tables of an array.
    """

    file: str
    key: str
    entries: dict[str, Leaf | Table | list[Table]] = field(default_factory=dict)

    def path_to(self, name: str) -> str:
        """The key path of an entry."""
        return f"{self.key}.{name}" if self.key else name


def table_of(file: str, content: dict[str, object], key: str = "") -> Table:
    """Build the tree of one file."""
    table = Table(file, key)
    for name, value in content.items():
        path = table.path_to(name)
        if isinstance(value, dict):
            table.entries[name] = table_of(file, value, path)
        elif isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
            table.entries[name] = [table_of(file, item, f"{path}[{index}]") for index, item in enumerate(value)]
        else:
            table.entries[name] = Leaf(file, value)
    return table


def merge(into: Table, other: Table, violations: list[Violation]) -> None:
    """Add ``other`` to ``into``: tables merge, arrays of tables append, anything else given twice is a violation."""
    for name, entry in other.entries.items():
        present = into.entries.get(name)
        if present is None:
            into.entries[name] = entry
        elif isinstance(present, Table) and isinstance(entry, Table):
            merge(present, entry, violations)
        elif isinstance(present, list) and isinstance(entry, list):
            into.entries[name] = present + entry
        else:
            expected = f"to be set once; {file_of(present)} sets it too"
            violations.append(Violation(file_of(entry), other.path_to(name), shown(entry), expected))


def file_of(entry: Leaf | Table | list[Table]) -> str:
    """The file an entry came from; the first, of an array of tables."""
    return entry[0].file if isinstance(entry, list) else entry.file


_LONGEST_SHOWN = 120
_MOST_SHOWN = 4
_LARGEST_SHOWN = 1 << 64


def shown(entry: object) -> object:
    """What a violation shows of a value: itself, or something short in its place."""
    value = entry.value if isinstance(entry, Leaf) else entry
    if isinstance(value, int):
        return value if abs(value) < _LARGEST_SHOWN else Instead("a number of over 64 bits")
    if isinstance(value, str):
        return value if len(value) <= _LONGEST_SHOWN else value[:_LONGEST_SHOWN] + "…"
    if isinstance(value, list):
        return [shown(item) for item in value[:_MOST_SHOWN]] + [Instead("…")] * (len(value) > _MOST_SHOWN)
    return Instead("{…}") if isinstance(value, dict | Table) else value
