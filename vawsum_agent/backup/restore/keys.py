r"""Secondary indexes that are built after the rows, all in one pass, rather than row by row. Pure.

What a table is made with comes from ``SHOW CREATE TABLE``, a line for each column, index and constraint. A line that is
not understood stays, and so does all before it that could change the order of indexes: what the server shows in the
end is what was dumped.
"""

from __future__ import annotations

import re

WORTH_BYTES = 4 << 20
"""Of a table: below, building indexes apart gains nothing that could be noticed."""

LONGEST_BYTES = 1 << 20
"""Of a definition: a longer one is left as it is."""

_NAME = rb"`(?:[^`\n]|``)*+`"
_CREATE = re.compile(rb"^CREATE TABLE (?:IF NOT EXISTS )?(" + _NAME + rb") \(\n", re.MULTILINE)
_END = re.compile(rb"^\) ENGINE=InnoDB[^\n]*", re.MULTILINE)
_KEY = re.compile(
    rb"  (?:UNIQUE )?KEY " + _NAME + rb" \(" + _NAME + rb"(?:\(\d+\))?(?: DESC| ASC)?"
    rb"(?:," + _NAME + rb"(?:\(\d+\))?(?: DESC| ASC)?)*\)(?: USING BTREE)?"
)
_FIRST_COLUMN = re.compile(rb"\((" + _NAME + rb")")
_FOREIGN = re.compile(rb"  CONSTRAINT " + _NAME + rb" FOREIGN KEY \((" + _NAME + rb")")
_PRIMARY = re.compile(rb"  PRIMARY KEY \((" + _NAME + rb")")
_COLUMN = re.compile(rb"  (" + _NAME + rb") [^\n]* AUTO_INCREMENT")


def deferred(begin: bytes) -> tuple[bytes, bytes] | None:
    """Take indexes out of a table's definition.

    Args:
        begin: of the table's frame.

    Returns:
        The same without them, and the statement that adds them; None where there is nothing to gain, or to be sure of.
    """
    create = _CREATE.search(begin)
    end = _END.search(begin, create.end()) if create is not None else None
    if create is None or end is None or b";\n" in begin[create.end() : end.start()]:
        return None
    if b"WITH SYSTEM VERSIONING" in end[0]:
        return None  # the server refuses to change these
    lines = begin[create.end() : end.start()].removesuffix(b"\n").split(b",\n")
    keys = [number for number, line in enumerate(lines) if _is_key(line)]
    bound = max((number for number in keys if not _may_wait(lines, number)), default=-1)
    waiting = [number for number in keys if number > bound and _KEY.fullmatch(lines[number])]
    if not waiting:
        return None
    kept = [line for number, line in enumerate(lines) if number not in waiting]
    added = b",\n".join(b"  ADD " + lines[number].strip() for number in waiting)
    changed = begin[: create.end()] + b",\n".join(kept) + b"\n" + begin[end.start() :]
    return changed, b"ALTER TABLE " + create[1] + b"\n" + added + b";\n"


def _is_key(line: bytes) -> bool:
    return line.startswith((b"  KEY ", b"  UNIQUE KEY ", b"  FULLTEXT KEY ", b"  SPATIAL KEY ", b"  VECTOR KEY "))


def _may_wait(lines: list[bytes], number: int) -> bool:
    if lines[number].startswith(b"  FULLTEXT KEY "):
        return True  # stays where it is: the server lists these last
    if _KEY.fullmatch(lines[number]) is None:
        return False
    first = _FIRST_COLUMN.search(lines[number])
    return first is not None and first[1] not in _needed(lines)


def _needed(lines: list[bytes]) -> set[bytes]:
    """The first columns of indexes that the table can't be made without."""
    needed = {found[1] for line in lines if (found := _FOREIGN.match(line))}
    counted = {found[1] for line in lines if (found := _COLUMN.match(line))}
    primary = {found[1] for line in lines if (found := _PRIMARY.match(line))}
    return needed | (counted - primary)
