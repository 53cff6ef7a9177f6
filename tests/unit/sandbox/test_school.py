"""The school's database is the same every time, and of the size that was asked for."""

from __future__ import annotations

import re

import pytest

from sandbox.host.school import make_payment, make_school


@pytest.mark.parametrize("megabytes", [1, 800])
def test_size_goes_into_every_table(megabytes: int) -> None:
    """Every table that grows has so many rows a megabyte, and nothing is left to fill in."""
    script = make_school(megabytes)
    counts = {int(count) for count in re.findall(r"seq_1_to_(\d+)", script)} - {60}
    assert len(counts) == 7
    assert all(count % megabytes == 0 for count in counts)
    assert "$" not in script


def test_nothing_is_drawn_by_lot() -> None:
    """The script is the same every time, and holds no function that is not."""
    script = make_school(3)
    assert script == make_school(3)
    assert not re.search(r"\b(RAND|UUID|NOW|CURRENT_TIMESTAMP|RANDOM_BYTES)\b", script)


def test_payment_is_one_transaction() -> None:
    """A payment is three statements within one transaction, and known by its number."""
    statements = make_payment(7).split("; ")
    assert statements[1] == "START TRANSACTION"
    assert [statement.split()[0] for statement in statements[2:]] == ["INSERT", "UPDATE", "INSERT", "COMMIT;\n".strip()]
    assert make_payment(7).count("live-7'") == 1
