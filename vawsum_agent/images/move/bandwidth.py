"""Keeping uploads below a number of bytes a second, over all threads."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from vawsum_agent.config.model import ImagesFolder
    from vawsum_agent.core.clock import Clock
    from vawsum_agent.images.move.mover import Uploader
    from vawsum_agent.images.upload.send import Sent
    from vawsum_agent.images.upload.turn import Turn


class Bandwidth:
    """Hands out time: each transfer is given the moment at which it may begin.

    Args:
        bytes_a_second: what may be sent.
        clock: monotonic.
        sleep: waits that many seconds.
    """

    def __init__(self, bytes_a_second: int, clock: Clock, sleep: Callable[[float], None] = time.sleep) -> None:
        self._bytes_a_second = bytes_a_second
        self._clock = clock
        self._sleep = sleep
        self._free_at = clock.monotonic()
        self._lock = threading.Lock()

    def take(self, count: int) -> None:
        """Wait until ``count`` bytes may be sent. A file goes in one piece: the rate holds over several."""
        with self._lock:
            now = self._clock.monotonic()
            begins_at = max(now, self._free_at)
            self._free_at = begins_at + count / self._bytes_a_second
        if begins_at > now:
            self._sleep(begins_at - now)


class LimitedUploader:
    """An uploader that keeps to a bandwidth."""

    def __init__(self, uploader: Uploader, bandwidth: Bandwidth) -> None:
        self._uploader = uploader
        self._bandwidth = bandwidth

    @property
    def turn(self) -> Turn:
        """See `Uploader.turn`."""
        return self._uploader.turn

    def send(
        self,
        folder: ImagesFolder,
        path: bytes,
        descriptor: int,
        size_bytes: int,
        content_type: str,
        *,
        look: Callable[[bytes], None] | None = None,
        on_progress: Callable[[], None] | None = None,
    ) -> Sent:
        """See `Uploader.send`."""
        with self.turn.away():
            self._bandwidth.take(size_bytes)
        return self._uploader.send(
            folder, path, descriptor, size_bytes, content_type, look=look, on_progress=on_progress
        )

    def abort_abandoned(self, folder: ImagesFolder) -> int:
        """See `Uploader.abort_abandoned`."""
        return self._uploader.abort_abandoned(folder)
