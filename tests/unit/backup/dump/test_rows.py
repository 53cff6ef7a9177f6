"""Rows are counted exactly by whole blocks, also where the shortcuts don't help."""

from __future__ import annotations

import pytest

from vawsum_agent.backup.dump.rows import INSERT, LinedRows, PackedRows

AFTER = b"/*!40000 ALTER TABLE `t` ENABLE KEYS */;\nUNLOCK TABLES;\n"


@pytest.mark.parametrize("value", [b"1", b"'`'", b"'a;'", b"'`a`;`b`'", b"');('", b"'INSERT INTO `x` VALUES'"])
@pytest.mark.parametrize("after", [AFTER, b"", b"UNLOCK TABLES;\n\n--\n-- Table structure for table `u`\n--\n"])
def test_end_is_found(value: bytes, after: bytes) -> None:
    """The statement ends where its semicolon and newline are, with many backticks in the data and without any."""
    statement = b",\n".join([b"(%b)" % value] * 300) + b";\n"
    rows = LinedRows()
    assert rows.take(b"head" + statement + after, 4) == (4 + len(statement), True)
    assert rows.count == 300


def test_semicolon_at_the_end_of_a_block_waits() -> None:
    """Whether a semicolon ends the statement is told by the next block."""
    rows = LinedRows()
    assert rows.take(b"(1),\n(2);", 0) == (8, False)
    assert rows.take(b";\n" + AFTER, 0) == (2, True)
    assert rows.count == 2
    rows = LinedRows()
    assert rows.take(b"(1),\n('a;", 0) == (8, False)
    assert rows.take(b";b');\n", 0) == (6, True)
    assert rows.count == 2


def test_packed_rows_across_blocks() -> None:
    """Wherever the line is cut, also within an escape and between rows, the count is the same."""
    line = rb"(1,'),('),(2,'\\'),(3,'\'),('),(4,NULL),(5,'it\'s'),(6,'\\\\')" + b";\n"
    for cut in range(1, len(line)):
        rows = PackedRows()
        reached, is_over = rows.take(line[:cut], 0)
        assert (reached, is_over) == (cut, False) or cut == len(line)
        assert rows.take(line[cut:], 0) == (len(line) - cut, True)
        assert rows.count == 6


@pytest.mark.parametrize(
    ("statement", "is_lined"),
    [
        (b"INSERT INTO `t` VALUES\n(1)", True),
        (b"INSERT INTO `t` VALUES (1)", False),
        (b"INSERT INTO `a``b` (`x`, `VALUES (`) VALUES\n(1)", True),
        (b"INSERT INTO `t` (`x`,`y`) VALUES (1)", False),
    ],
)
def test_begin_of_rows(statement: bytes, is_lined: bool) -> None:
    """What stands before the rows is told apart, with columns named or not."""
    found = INSERT.match(statement)
    assert found is not None
    assert statement[found.end() :] == b"(1)"
    assert (found[1] is not None) == is_lined
