"""The threads that send parts, in whatever order; the first that fails for good ends them all."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

from vawsum_agent.core.errors import AgentError, BackupError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from vawsum_agent.aws.streamed_upload import StreamedUpload
    from vawsum_agent.backup.upload.patience import Persistent

MOST_PARTS = 2
"""Waiting or under way, while sending keeps up: as many as there are threads, so that none of them waits."""


class Sending:
    """One object's parts on their way. Its owner calls from one thread.

    Args:
        begin: begins the multipart upload; called when the first part is there.
        persistent: tries again.
        stopped: set here when sending has failed, by the owner when it gives up.

    Attributes:
        upload: once it was begun.
        is_begun: whether an upload may have been, be it that the answer was lost.
        is_begun_unseen: whether one may have been that nobody knows of.
    """

    def __init__(self, begin: Callable[[], StreamedUpload], persistent: Persistent, stopped: threading.Event) -> None:
        self.upload: StreamedUpload | None = None
        self.is_begun = False
        self.is_begun_unseen = False
        self._begin = begin
        self._persistent = persistent
        self._stopped = stopped
        self._beginning = threading.Lock()
        self._changed = threading.Condition()
        self._queue: deque[tuple[int, bytearray]] = deque()
        self._count = 0
        self._bytes = 0
        self._failure: AgentError | None = None
        self._threads: list[threading.Thread] = []

    @property
    def pending_bytes(self) -> int:
        """What memory holds of the parts that are not sent yet."""
        with self._changed:
            return self._bytes

    @property
    def has_place(self) -> bool:
        """Whether a part could be handed over without piling up."""
        with self._changed:
            return self._count < MOST_PARTS

    @property
    def is_behind(self) -> bool:
        """Whether parts have piled up."""
        with self._changed:
            return self._count > MOST_PARTS

    def check(self) -> None:
        """Raise what sending has failed with for good. It can't be gone on with."""
        with self._changed:
            if self._failure is not None:
                raise self._failure

    def hand_over(self, number: int, body: bytearray) -> None:
        """Have a part sent; nobody changes it any more."""
        with self._changed:
            self._queue.append((number, body))
            self._count += 1
            self._bytes += len(body)
            self._changed.notify_all()
        if len(self._threads) < MOST_PARTS:
            thread = threading.Thread(target=self._run, name=f"part-sender-{len(self._threads)}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def wait_for_place(self, timeout_s: float) -> bool:
        """Wait until there is one. Raises AgentError: sending has failed."""
        with self._changed:
            self._changed.wait_for(lambda: self._failure is not None or self._count < MOST_PARTS, timeout_s)
        self.check()
        return self.has_place

    def wait_until_sent(self, timeout_s: float) -> bool:
        """Wait until nothing is pending. Raises AgentError: sending has failed."""
        with self._changed:
            self._changed.wait_for(lambda: self._failure is not None or not self._count, timeout_s)
        self.check()
        return not self.pending_bytes

    def end(self, timeout_s: float) -> bool:
        """Have the threads end after what they do, and wait for it. Returns whether they did."""
        self._stopped.set()
        with self._changed:
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(timeout_s)
        return not any(thread.is_alive() for thread in self._threads)

    def _run(self) -> None:
        failure: AgentError | None = BackupError("a thread that sent parts has died", hint="this is a bug; report it")
        try:
            while (part := self._next()) is not None:
                self._send(*part)
                size_bytes = len(part[1])
                del part  # its memory is given back before the next one is waited for
                with self._changed:
                    self._count -= 1
                    self._bytes -= size_bytes
                    self._changed.notify_all()
            failure = None
        except AgentError as error:
            failure = error
        finally:
            if failure is not None:
                with self._changed:
                    self._failure = self._failure or failure
                    self._stopped.set()
                    self._changed.notify_all()

    def _next(self) -> tuple[int, bytearray] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._stopped.is_set())
            return None if self._stopped.is_set() else self._queue.popleft()

    def _send(self, number: int, body: bytearray) -> None:
        self._persistent.call(lambda: self._begun().send_part(number, body))

    def _begun(self) -> StreamedUpload:
        with self._beginning:
            if self.upload is None:
                self.is_begun = True
                try:
                    self.upload = self._begin()
                except Unavailable as error:
                    self.is_begun_unseen = self.is_begun_unseen or error.maybe_done
                    raise
            return self.upload
