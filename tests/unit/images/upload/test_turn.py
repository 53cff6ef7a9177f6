"""One thread works, and whatever it waits for keeps no other from working."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.unit.images.upload.stores import HOST, MemoryStore, Uploads
from vawsum_agent.images.upload.content import LARGE_BYTES
from vawsum_agent.images.upload.room import Room
from vawsum_agent.images.upload.send import Kind, Sender
from vawsum_agent.images.upload.turn import Turn

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

THREADS = 4
LIMIT_S = 30.0


def together(work: Callable[[int], object]) -> list[object]:
    """Run it in as many threads at once."""
    with ThreadPoolExecutor(THREADS) as pool:
        return [future.result(timeout=LIMIT_S) for future in [pool.submit(work, number) for number in range(THREADS)]]


def test_one_at_a_time() -> None:
    """Between two waits nobody else is at work."""
    turn = Turn()
    at_work: set[int] = set()

    def work(number: int) -> None:
        for _ in range(200):
            with turn:
                at_work.add(number)
                assert at_work == {number}
                at_work.remove(number)
                with turn.away():
                    pass
                at_work.add(number)
                assert at_work == {number}
                at_work.remove(number)

    together(work)


def test_all_may_wait_at_once() -> None:
    """Away, threads meet each other, which they could not if one had to come back first."""
    turn, meeting = Turn(), threading.Barrier(THREADS)

    def work(_: int) -> None:
        with turn, turn.away():
            meeting.wait(LIMIT_S)

    together(work)


def test_it_comes_back_after_a_failure() -> None:
    """What fails while it waits has the turn again when the failure is handled, and gives it away in the end."""
    turn = Turn()
    with turn:
        with pytest.raises(OSError, match="no"), turn.away():
            raise OSError("no")
        with turn.away():
            pass
    with turn:
        pass


def test_without_it_nothing_changes() -> None:
    """Who never took a turn gives none away, while another thread has it."""
    turn = Turn()
    with turn, ThreadPoolExecutor(1) as pool:
        pool.submit(_wait_away, turn).result(LIMIT_S)


def _wait_away(turn: Turn) -> None:
    with turn.away():
        pass


@pytest.mark.parametrize("size_bytes", [1_000, LARGE_BYTES + 1])
def test_uploads_run_side_by_side(tmp_path: Path, size_bytes: int) -> None:
    """Threads that hold the turn for every file are in S3 all at once, also with a large file, and asking for heads."""
    store, meeting = MemoryStore(), threading.Barrier(THREADS)

    def meet(_: str) -> None:
        meeting.wait(LIMIT_S)

    store.before_write = meet
    results = together(_sending(tmp_path, Sender(store, HOST, Room(LARGE_BYTES * THREADS)), size_bytes))
    assert results == [Kind.MOVED] * THREADS


def test_room_is_waited_for_without_it(tmp_path: Path) -> None:
    """Where there is room for one picture only, all get through: who has it gets the turn to give it back."""
    store = MemoryStore()
    results = together(_sending(tmp_path, Sender(store, HOST, Room(1_000)), 1_000))
    assert results == [Kind.MOVED] * THREADS


def _sending(tmp_path: Path, sender: Sender, size_bytes: int) -> Callable[[int], Kind]:
    folder = Uploads(tmp_path).folder

    def work(number: int) -> Kind:
        path = tmp_path / f"{number}.jpg"
        path.write_bytes(bytes([number]) * size_bytes)
        descriptor = os.open(path, os.O_RDONLY)
        try:
            with sender.turn:
                return sender.send(folder, os.fsencode(path.name), descriptor, size_bytes, "image/jpeg").kind
        finally:
            os.close(descriptor)

    return work
