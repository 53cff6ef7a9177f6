"""A line for each folder whose images move: what is due, how fast it goes, how full the disk is, what stays. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.text import Text

from vawsum_agent.cli.layout import Column, shortened, table, wrapped
from vawsum_agent.cli.status_rates import rate_of_folder
from vawsum_agent.core.text import printable
from vawsum_agent.core.units import format_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_SECONDS_A_MINUTE = 60
_PRESSED = "yellow"
_NOTHING = "—"
_TOGETHER = "\N{NO-BREAK SPACE}"
_LEFT_ALONE = "LEFT ALONE"
_LEAST_NOTE = 30
"""With less room than that for what is left alone, each folder gets more than one line."""

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Row:
    name: str
    figures: dict[str, str]
    is_pressed: bool


def folders(document: Document, rates: Mapping[str, float], width: int | None) -> list[Text]:
    """Lay out the folders of all components that have any."""
    rows = [
        _row(component, folder, rates)
        for component in document["components"]
        for folder in component["details"].get("folders", ())
    ]
    if not rows:
        return []
    columns = [Column("FOLDER", [row.name for row in rows])]
    columns += [Column(name, [row.figures[name] for row in rows], _styles(name, rows)) for name in _HEADINGS]
    note = Column(_LEFT_ALONE, [row.figures[_LEFT_ALONE] for row in rows], is_note=True)
    if width is not None:
        room = width - sum(column.width() + 2 for column in columns)
        if room < min(_LEAST_NOTE, note.width()):
            return [line for row in rows for line in _lines(row, width)]
    return table([*columns, note], width)


_HEADINGS = ("DUE", "YOUNG", "MOVING", "DISK")


def _styles(heading: str, rows: list[_Row]) -> list[str]:
    return [_PRESSED if heading == "DISK" and row.is_pressed else "" for row in rows]


def _row(component: Document, folder: Document, rates: Mapping[str, float]) -> _Row:
    is_stopped = component["state"] == "stopped"
    rate = None if is_stopped else rates.get(rate_of_folder(component["name"], folder["name"]))
    refused = sorted(folder["refused"].items(), key=lambda item: -item[1])
    figures = {
        "DUE": f"{folder['due_count']:,} ({format_bytes(folder['due_bytes'])})" if folder["due_count"] else "none",
        "YOUNG": f"{folder['young_count']:,}" if folder["young_count"] else "none",
        "MOVING": _NOTHING if rate is None else f"{rate * _SECONDS_A_MINUTE:,.0f}/min",
        "DISK": _disk(folder),
        _LEFT_ALONE: ", ".join(f"{count:,} {reason}" for reason, count in refused) or "none",
    }
    if folder.get("scanned_at") is None:
        figures |= dict.fromkeys(("DUE", "YOUNG", _LEFT_ALONE), "not known yet")
    return _Row(printable(folder["name"]), figures, bool(folder["is_under_pressure"]))


def _disk(folder: Document) -> str:
    """Tell the tighter of space and inodes, and whether images hurry for it."""
    space, inodes = folder["disk_used_percent"], folder["inodes_used_percent"]
    if space is None or inodes is None:
        return _NOTHING
    used = f"{space} %" if space >= inodes else f"{inodes} % of inodes"
    return f"{used}, under pressure" if folder["is_under_pressure"] else used


def _lines(row: _Row, width: int) -> Iterator[Text]:
    """The name, then the figures that say something."""
    told = {heading: figure for heading, figure in row.figures.items() if figure not in {_NOTHING, "none"}}
    # Not to be torn apart but behind a comma.
    words = ", ".join(f"{heading.lower()} {figure}" for heading, figure in told.items())
    words = words.replace(" ", _TOGETHER).replace(f",{_TOGETHER}", ", ")
    yield Text(shortened(row.name, width), style="bold")
    for line in wrapped(words, width, first="  ", rest="  "):
        yield Text(line.replace(_TOGETHER, " "), style=_PRESSED if row.is_pressed else "")
