"""Waking is a hint: it comes at once where the kernel can give it, and is missed by nobody where it can't."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from vawsum_agent.logs.follow.wake import MOST_FOLDERS, Wake

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def wake() -> Iterator[Wake]:
    """A wake that is stopped in the end."""
    wake = Wake()
    yield wake
    wake.stop()


def calm(wake: Wake) -> None:
    """Wait until nothing comes any more."""
    while wake.wait(0.3):
        pass


def test_everything_that_matters_wakes(wake: Wake, tmp_path: Path) -> None:
    """A write, a rename, a creation and a removal in a watched folder each end the waiting at once."""
    log = tmp_path / "a.log"
    log.touch()
    wake.watch([str(tmp_path)])
    calm(wake)
    for deed in (
        lambda: log.write_bytes(b"a\n"),
        lambda: log.rename(tmp_path / "a.log.1"),
        log.touch,
        log.unlink,
    ):
        deed()
        began = time.monotonic()
        assert wake.wait(60.0)
        assert time.monotonic() - began < 30.0
        calm(wake)


def test_reading_does_not_wake(wake: Wake, tmp_path: Path) -> None:
    """What the reader does itself, open, read and close, is no news: it would never sleep."""
    log = tmp_path / "a.log"
    log.write_bytes(b"a\n")
    wake.watch([str(tmp_path)])
    calm(wake)
    assert log.read_bytes() == b"a\n"
    assert not wake.wait(0.5)


def test_without_inotify(wake: Wake, tmp_path: Path) -> None:
    """Too many folders or one that is missing are no error; whoever has news can still wake the reader."""
    wake.watch([str(tmp_path / "missing")])
    wake.watch([f"{tmp_path}/{number}" for number in range(MOST_FOLDERS + 1)])
    wake.watch([str(tmp_path)])
    wake.set()
    assert wake.wait(0.0)
    assert not wake.wait(0.0)


def test_other_folders(wake: Wake, tmp_path: Path) -> None:
    """The folders that are watched are those that were named last."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    wake.watch([str(tmp_path / "a")])
    wake.watch([str(tmp_path / "b")])
    calm(wake)
    (tmp_path / "a" / "log").touch()
    assert not wake.wait(0.5)
    (tmp_path / "b" / "log").touch()
    assert wake.wait(5.0)
