"""What is remembered of files that stay."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from vawsum_agent.core.clock import SystemClock
from vawsum_agent.state.known_files import Known, KnownFiles
from vawsum_agent.state.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty store."""
    opened = Store.open(tmp_path / "state.db", SystemClock())
    yield opened
    opened.close()


def test_a_file_is_known_as_it_was(store: Store) -> None:
    """By folder, path and fingerprint; any other is not known."""
    known = KnownFiles(store)
    assert not known.has_any()
    known.remember([Known("app", b"a.jpg", b"1", "collision", 50.0), Known("app", b"b.jpg", b"1", "", 99.0)])
    assert known.has_any()
    assert known.verdict("app", b"a.jpg", b"1") == "collision"
    assert known.verdict("app", b"b.jpg", b"1") == ""
    assert known.verdict("app", b"a.jpg", b"2") is None
    assert known.verdict("app", b"c.jpg", b"1") is None
    assert known.verdict("other", b"a.jpg", b"1") is None


def test_what_is_noted_last_counts(store: Store) -> None:
    """A file that changed is one row still."""
    known = KnownFiles(store)
    known.remember([Known("app", b"a.jpg", b"1", "collision", 50.0)])
    known.remember([Known("app", b"a.jpg", b"2", "", 50.0)])
    assert known.verdict("app", b"a.jpg", b"1") is None
    assert known.verdict("app", b"a.jpg", b"2") == ""


def test_it_is_forgotten_in_time(store: Store) -> None:
    """Nothing stays for ever because of what was once the case."""
    known = KnownFiles(store)
    known.remember([Known("app", b"a.jpg", b"1", "collision", 50.0), Known("app", b"b.jpg", b"1", "", 99.0)])
    known.forget_old(60.0)
    assert known.verdict("app", b"a.jpg", b"1") is None
    assert known.verdict("app", b"b.jpg", b"1") == ""


def test_it_outlives_a_restart(store: Store, tmp_path: Path) -> None:
    """The key of the digests is kept with them."""
    KnownFiles(store).remember([Known("app", b"a.jpg", b"1", "collision", 50.0)])
    store.close()
    again = Store.open(tmp_path / "state.db", SystemClock())
    assert KnownFiles(again).verdict("app", b"a.jpg", b"1") == "collision"
    again.close()
