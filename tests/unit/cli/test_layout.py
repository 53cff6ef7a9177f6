"""Text is fitted into columns without losing what matters, whatever it is made of."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from vawsum_agent.cli.layout import Column, cut, shortened, table, wrapped
from vawsum_agent.core.text import printable

TEXTS = st.text(st.characters(blacklist_categories=["Cs"])).map(printable)
WIDTHS = st.integers(12, 200)


@given(TEXTS, WIDTHS)
def test_wrapping_loses_nothing(text: str, width: int) -> None:
    """Every line fits, none ends in blanks, and all words are there in their order."""
    lines = wrapped(text, width, first="! ", rest="  ")
    assert all(cell_len(line) <= width for line in lines)
    assert "".join("".join(line[2:] for line in lines).split()) == "".join(text.split())


def test_words_stay_whole() -> None:
    """Lines break between words; a long one begins a line, and one longer than a line is cut there."""
    text = "can't read /var/log/apache2/access.log now"
    assert wrapped(text, 30, first="! ", rest="  ") == ["! can't read", "  /var/log/apache2/access.log", "  now"]
    assert wrapped(text, 20, first="! ", rest="  ") == ["! can't read", "  /var/log/apache2/a", "  ccess.log now"]
    assert wrapped(text, None, first="! ", rest="  ") == [f"! {text}"]


@given(TEXTS, WIDTHS)
def test_shortening_keeps_both_ends(text: str, width: int) -> None:
    """What fits stays; what doesn't fits then, and has an ellipsis where something is missing."""
    for short in (shortened(text, width), cut(text, width)):
        assert cell_len(short) <= width
        assert short == text if cell_len(text) <= width else "…" in short
    assert shortened(text, None) == cut(text, None) == text


def test_a_path_keeps_its_end() -> None:
    """Of a path more is left at its end, where the file's name is."""
    assert shortened("/var/log/apache2/vhosts/access.log", 22) == "/var/lo…sts/access.log"


COLUMNS = [
    Column("NAME", ["logs", "metrics"]),
    Column("RATE", ["1 B/s", "—"]),
    Column("", ["14 files", ""], is_note=True),
]


def test_a_table_fits() -> None:
    """Without room the last column is shortened, then left out; no line ends in blanks."""
    assert [line.plain for line in table(COLUMNS, None)] == [
        "NAME     RATE",
        "logs     1 B/s  14 files",
        "metrics  —",
    ]
    assert table(COLUMNS, 24) == table(COLUMNS, None)
    assert table(COLUMNS, 23)[1].plain == "logs     1 B/s"
    assert table(COLUMNS, 13)[1].plain == "logs"
    note = [*COLUMNS[:2], Column("", ["14 files, restarted", ""], (), is_note=True)]
    assert table(note, 28)[1].plain == "logs     1 B/s  14 files, r…"


@given(st.lists(st.tuples(TEXTS, TEXTS, TEXTS), min_size=1), WIDTHS)
def test_columns_stand_below_each_other(rows: list[tuple[str, str, str]], width: int) -> None:
    """Whatever the cells hold, a second column begins at one place."""
    columns = [Column(name, cells) for name, cells in zip("ABC", zip(*rows, strict=True), strict=True)]
    lines = table(columns, None)
    assert len(lines) == len(rows) + 1
    assert all(line.plain == line.plain.rstrip() for line in lines)
    first = max(cell_len(text) for text in ("A", *columns[0].cells))
    assert cell_len(lines[0].plain[: lines[0].plain.index("B")]) == first + 2
    if first <= width:
        assert all(line.cell_len <= width for line in table(columns, width))
