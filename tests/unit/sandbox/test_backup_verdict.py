"""The backup scene compares what it says it compares."""

from __future__ import annotations

import pytest

from sandbox.demo.backup_verdict import Fingerprint, Paid


def test_consistent_payments() -> None:
    """A copy is consistent when both tables have as many payments, and both sums are the same."""
    assert Paid(fees=3, messages=3, sum_of_fees=300, total=300).is_consistent
    assert Paid(fees=0, messages=0, sum_of_fees=0, total=0).is_consistent


@pytest.mark.parametrize(("fees", "messages", "sum_of_fees", "total"), [(3, 2, 300, 300), (3, 3, 300, 200)])
def test_a_payment_in_part(fees: int, messages: int, sum_of_fees: int, total: int) -> None:
    """One that is missing in one table, or in the running total, is seen."""
    assert not Paid(fees, messages, sum_of_fees, total).is_consistent


def test_fingerprints_differ() -> None:
    """Two dumps are the same when size and digest are."""
    assert Fingerprint(10, "ab") == Fingerprint(10, "ab")
    assert Fingerprint(10, "ab") != Fingerprint(10, "cd")
