"""The byte ledger of every followed file, as a table or, on a small screen, as a few lines a file. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.text import Text

from vawsum_agent.cli.layout import Column, shortened, table, wrapped
from vawsum_agent.core.text import printable
from vawsum_agent.core.units import counted, format_bytes, format_duration

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_BAD = "red"
_SIZES = {"READ": "read_bytes", "ACCEPTED": "accepted_bytes", "PENDING": "pending_bytes", "UNREAD": "unread_bytes"}
_DROPPED = "DROPPED"
_LEAST_PATH = 30
"""With less room than that for paths, each gets a line of its own."""

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Row:
    path: str
    waiting_bytes: int
    figures: dict[str, str]
    has_dropped: bool


def ledger(document: Document, width: int | None) -> list[Text]:
    """Lay out the ledger, those files first of which something waits."""
    rows = [row for component in document["components"] for row in _rows(component["details"])]
    rows.sort(key=lambda row: -row.waiting_bytes)
    columns = [Column(heading, [row.figures[heading] for row in rows], _styles(heading, rows)) for heading in _HEADINGS]
    paths = [row.path for row in rows]
    if width is not None:
        room = width - sum(column.width() + 2 for column in columns)
        if room < min(_LEAST_PATH, max(map(cell_len, paths), default=0)):
            return [line for row in rows for line in _lines(row, width)]
        paths = [shortened(path, room) for path in paths]
    return table([Column("FILE", paths), *columns], width)


def _styles(heading: str, rows: list[_Row]) -> list[str]:
    return [_BAD if heading == _DROPPED and row.has_dropped else "" for row in rows]


_HEADINGS = ("SOURCE", *_SIZES, _DROPPED, "OLDEST")


def _rows(details: Document) -> Iterator[_Row]:
    if "files" not in details:
        return
    for file in details["files"]:
        sizes = {heading: format_bytes(file.get(key, 0)) for heading, key in _SIZES.items()}
        waiting_bytes = file.get("pending_bytes", 0) + file.get("unread_bytes", 0)
        oldest_s = file.get("oldest_pending_s") or 0
        oldest = format_duration(max(1.0, oldest_s)) if oldest_s else "-"
        dropped = _reasons(file["dropped_by_reason"])
        figures = {"SOURCE": file["source"], **sizes, _DROPPED: dropped or "none", "OLDEST": oldest}
        yield _Row(printable(file["path"]), waiting_bytes, figures, bool(dropped))
    for source, total in details.get("folded", {}).items():
        if total["files"]:
            dropped = _reasons(total["dropped_by_reason"])
            figures = dict.fromkeys(_HEADINGS, "-") | {
                "SOURCE": source,
                "ACCEPTED": format_bytes(total["accepted_bytes"]),
                _DROPPED: dropped or "none",
            }
            yield _Row(f"{counted(total['files'], 'file')} long gone", 0, figures, bool(dropped))


def _reasons(dropped_by_reason: Mapping[str, int]) -> str:
    return ", ".join(f"{why} {format_bytes(size)}" for why, size in dropped_by_reason.items() if size)


def _lines(row: _Row, width: int) -> Iterator[Text]:
    """The path, then the figures that say something."""
    yield Text(shortened(row.path, width), style="bold")
    told = {heading: figure for heading, figure in row.figures.items() if figure not in {"-", "none", "0 B"}}
    # Not to be torn apart.
    words = [f"{heading.lower()} {figure}".replace(" ", "\N{NO-BREAK SPACE}") for heading, figure in told.items()]
    for line in wrapped(", ".join(words), width, first="  ", rest="  "):
        yield Text(line.replace("\N{NO-BREAK SPACE}", " "), style=_BAD if row.has_dropped else "")
