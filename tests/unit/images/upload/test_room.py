"""Room in memory: never more than there is, and nobody waits for ever."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from vawsum_agent.images.upload.room import Room


def test_no_more_is_held_than_there_is() -> None:
    """Eight threads with shares of any size: what they hold together stays within the room, and all get through."""
    room, lock = Room(100), threading.Lock()
    held, most = 0, 0

    def work(count: int) -> None:
        nonlocal held, most
        with room.taken(count):
            with lock:
                held += count
                most = max(most, held)
            with lock:
                held -= count

    with ThreadPoolExecutor(8) as pool:
        for future in [pool.submit(work, count) for count in (1, 30, 60, 99, 100, 7) * 50]:
            future.result(timeout=30)
    assert 60 <= most <= 100


def test_what_is_larger_than_the_room_takes_all_of_it() -> None:
    """It is let through alone instead of waiting for what can't be."""
    room = Room(10)
    with room.taken(1000):
        pass
    with room.taken(10):
        pass


def test_a_large_one_is_not_passed() -> None:
    """Who asks later, for little, waits behind who asked for much."""
    room, order = Room(10), []
    is_first_in, large_asks = threading.Event(), threading.Event()
    leave = threading.Event()

    def first() -> None:
        with room.taken(5):
            is_first_in.set()
            leave.wait(30)

    def ask(count: int) -> None:
        large_asks.set()
        with room.taken(count):
            order.append(count)

    threads = [threading.Thread(target=first)]
    threads[0].start()
    assert is_first_in.wait(30)
    threads.append(threading.Thread(target=ask, args=(8,)))
    threads[1].start()
    assert large_asks.wait(30)
    while not room._first.locked():
        pass
    threads.append(threading.Thread(target=ask, args=(1,)))
    threads[2].start()
    leave.set()
    for thread in threads:
        thread.join(30)
    assert order == [8, 1]
