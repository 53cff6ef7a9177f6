"""Fits text into columns of a terminal: words wrapped, long names shortened in the middle, tables. Pure.

Widths are in cells: a character may take none, one or two. A width of None means that there is no limit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len, chop_cells
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

ELLIPSIS = "…"
_GAP = "  "
_LEAST_NOTE = 12
"""A last column with less room than that tells nothing."""


@dataclass(frozen=True, slots=True)
class Column:
    """A heading and what stands below it.

    Attributes:
        styles: of the cells; empty where they have none.
        is_note: may be shortened where there is no room for all of it.
    """

    heading: str
    cells: Sequence[str]
    styles: Sequence[str] = ()
    is_note: bool = False

    def width(self) -> int:
        """Tell how wide it is when nothing is shortened."""
        return max(map(cell_len, (self.heading, *self.cells)))


def wrapped(text: str, width: int | None, *, first: str = "", rest: str = "") -> list[str]:
    """Break a text between words, after ``first`` on its first line and ``rest`` on those that follow.

    A word longer than a line, a path say, begins on a line of its own if it then fits, and is cut where it must be.
    """
    if width is None:
        return [first + text]
    lines: list[str] = []
    line, is_begun = first, False
    for word in text.split():
        room = max(1, width - cell_len(line) - is_begun)
        if cell_len(word) > room and is_begun:
            lines.append(line)
            line, is_begun = rest, False
            room = max(1, width - cell_len(line))
        *filled, word_end = chop_cells(word, room) if cell_len(word) > room else [word]
        for piece in filled:
            lines.append(line + piece)
            line = rest
        line += (" " if is_begun else "") + word_end
        is_begun = True
    return [*lines, line]


def shortened(text: str, width: int | None) -> str:
    """Take the middle out of a name that is too long: a path's end tells more than its beginning, both tell much."""
    if width is None or cell_len(text) <= width:
        return text
    kept = max(0, width - cell_len(ELLIPSIS))
    head, tail = kept // 3, kept - kept // 3
    while cell_len(text[:head]) > kept // 3:
        head -= 1
    while tail and cell_len(text[-tail:]) > kept - kept // 3:
        tail -= 1
    return text[:head] + ELLIPSIS + (text[-tail:] if tail else "")


def cut(text: str, width: int | None) -> str:
    """Leave out the end of what is too long for one line."""
    if width is None or cell_len(text) <= width:
        return text
    return chop_cells(text, max(1, width - cell_len(ELLIPSIS)))[0].rstrip() + ELLIPSIS


def joined(segments: Sequence[Text], width: int | None) -> list[Text]:
    """Put as many segments on a line as fit, in their order; further lines are indented."""
    lines: list[Text] = []
    for segment in segments:
        if lines and (width is None or lines[-1].cell_len + len(_GAP) + segment.cell_len <= width):
            lines[-1].append(_GAP).append_text(segment)
        else:
            lines.append(Text(_GAP if lines else "").append_text(segment))
    for line in lines:
        if width is not None:
            line.truncate(width, overflow="ellipsis")
    return lines


def table(columns: Sequence[Column], width: int | None) -> list[Text]:
    """Lay out a heading and a line for each row; columns without room are left out, the last first."""
    shown = [column for column in columns if column.heading or any(column.cells)]
    while width is not None and len(shown) > 1 and _least_width(shown) > width:
        shown.pop()
    # Only the last is a note.
    room = None if width is None else width - sum(column.width() + len(_GAP) for column in shown[:-1])
    widths = [column.width() for column in shown]
    lines = [_line([column.heading for column in shown], widths, ["bold"] * len(shown), room)]
    for number in range(len(shown[0].cells)):
        styles = [column.styles[number] if column.styles else "" for column in shown]
        lines.append(_line([column.cells[number] for column in shown], widths, styles, room))
    return lines


def _least_width(columns: Sequence[Column]) -> int:
    widths = [min(column.width(), _LEAST_NOTE) if column.is_note else column.width() for column in columns]
    return sum(widths) + len(_GAP) * (len(columns) - 1)


def _line(cells: Sequence[str], widths: Sequence[int], styles: Sequence[str], room: int | None) -> Text:
    line = Text()
    for cell, width, style in zip(cells[:-1], widths, styles, strict=False):
        line.append(cell, style=style).append(" " * (width - cell_len(cell)) + _GAP)
    line.append(cut(cells[-1], room), style=styles[-1])
    line.rstrip()
    return line
