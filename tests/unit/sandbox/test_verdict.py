"""The demo succeeds only when everything it shows really happened."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox.demo.verdict import Verdict, read_ledger
from sandbox.host.logs import LogFile
from sandbox.proof import Proof

if TYPE_CHECKING:
    from pathlib import Path

CLEAN = Proof(written=2, arrived=2)


@pytest.mark.parametrize(
    ("verdict", "is_clean"),
    [
        (Verdict({"a": CLEAN, "b": CLEAN}, unlogged=0, violations=0), True),
        (Verdict({"a": CLEAN, "b": Proof(written=2, arrived=1, lost=["2"])}, unlogged=0, violations=0), False),
        (Verdict({"a": CLEAN, "b": Proof(written=0, arrived=0)}, unlogged=0, violations=0), False),
        (Verdict({"a": CLEAN}, unlogged=1, violations=0), False),
        (Verdict({"a": CLEAN}, unlogged=0, violations=1), False),
    ],
)
def test_one_flaw_in_any_log_spoils_the_verdict(verdict: Verdict, *, is_clean: bool) -> None:
    """A loss, a log nothing was written to, a visit that was never logged, a violation: each alone is failure."""
    assert verdict.is_clean is is_clean


def test_sums_stand_in_the_last_row() -> None:
    """The table ends with all logs together."""
    verdict = Verdict({"a": CLEAN, "b": Proof(written=1998, arrived=1)}, unlogged=0, violations=0)
    assert verdict.rows()[-1] == ("all", "2,000", "3", "0", "0", "0", "0")


@pytest.mark.parametrize(("accepted", "dropped", "is_balanced"), [(8, 0, True), (7, 0, False), (8, 1, False)])
def test_ledger_is_held_against_the_files(tmp_path: Path, *, accepted: int, dropped: int, is_balanced: bool) -> None:
    """Bytes accepted, over all rows, are the bytes in the files of all generations; anything else is told."""
    (tmp_path / "a.log").write_text("abc\n")
    (tmp_path / "a.log.1").write_text("abc\n")
    rows = [
        {"accepted_bytes": 4, "dropped_bytes": 0, "pending_bytes": 0},
        {"accepted_bytes": accepted - 4, "dropped_bytes": dropped, "pending_bytes": 0},
    ]
    ledger = read_ledger({"details": {"files": rows}}, [LogFile("a", tmp_path / "a.log")])
    assert ledger.is_balanced is is_balanced


def test_daemon_that_does_not_answer_has_no_ledger(tmp_path: Path) -> None:
    """No status, no proof."""
    (tmp_path / "a.log").write_text("abc\n")
    assert not read_ledger({}, [LogFile("a", tmp_path / "a.log")]).is_balanced
