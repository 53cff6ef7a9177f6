"""Moves a slice of one folder's files: opens, inspects, uploads side by side, and has removed what S3 holds.

What is done to a single file stands here; how threads share a slice, and what a crash leaves of it, in `run`.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Protocol

from vawsum_agent.aws.objects import PART_BYTES
from vawsum_agent.core.errors import Rejected
from vawsum_agent.images.inspect.picture import NotNow, Refused, opened
from vawsum_agent.images.move.moved import Kept, Moved
from vawsum_agent.images.move.run import REMOVED_AT_ONCE, Run
from vawsum_agent.images.reasons import Reason
from vawsum_agent.images.upload.content import LARGE_BYTES
from vawsum_agent.images.upload.send import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vawsum_agent.config.model import ImagesFolder
    from vawsum_agent.core.clock import Clock
    from vawsum_agent.images.inspect.picture import Picture
    from vawsum_agent.images.inspect.rules import Rules
    from vawsum_agent.images.remove.removal import Outcome, Removal, Remover
    from vawsum_agent.images.upload.send import Sent
    from vawsum_agent.images.upload.turn import Turn

__all__ = ["REMOVED_AT_ONCE", "Kept", "Moved", "Mover", "Uploader"]


class Uploader(Protocol):
    """What puts an open file into the bucket and proves it; see `images.upload`."""

    @property
    def turn(self) -> Turn:
        """What threads that send hold, see `images.upload.turn`."""
        ...

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
        """Raises AwsError."""
        ...

    def abort_abandoned(self, folder: ImagesFolder) -> int:
        """Raises AwsError."""
        ...


class Mover:
    """Moves files of one folder. One slice at a time.

    Args:
        folder: with its rules about types, age and removal.
        root: a descriptor of it.
        rules: the same, ready to be asked.
        uploader: puts files into the bucket; called by several threads.
        remover: takes them away; called by one thread at a time.
        clock: wall and monotonic time.
        on_progress: told within and after each file, by its thread, how many bytes go next in one piece.
    """

    def __init__(
        self,
        folder: ImagesFolder,
        root: int,
        rules: Rules,
        uploader: Uploader,
        remover: Remover,
        clock: Clock,
        on_progress: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._folder = folder
        self._root = root
        self._rules = rules
        self._uploader = uploader
        self._remover = remover
        self._clock = clock
        self._on_progress = on_progress

    def move(
        self,
        paths: Sequence[bytes],
        jobs: int,
        is_halted: Callable[[], bool] = lambda: False,
        on_settled: Callable[[Moved], None] | None = None,
    ) -> Moved:
        """Move files, and end early at the first error that speaks against going on.

        Args:
            paths: relative to the folder.
            jobs: uploads at once.
            is_halted: asked before each file.
            on_settled: given what became of some files as soon as it is known, by one thread at a time; what is
                returned then tells of the others alone.
        """
        run = Run(self, deque(paths), self._clock, is_halted, on_settled)
        if jobs == 1:
            run.work()
        else:
            with ThreadPoolExecutor(jobs, thread_name_prefix="images") as pool:
                for future in [pool.submit(run.work) for _ in range(jobs)]:
                    future.result()
        return run.ended()

    def send(self, path: bytes) -> tuple[Picture, Sent]:
        """Open and upload one file. Raises Refused, NotNow, AwsError."""
        with opened(self._root, path, self._rules, int(self._clock.now() * 1e9)) as picture:
            search = picture.look_for_code()

            def look(block: bytes) -> None:
                search(block)
                self._on_progress(in_one_piece)

            def on_part() -> None:
                self._on_progress(PART_BYTES)

            size_bytes = picture.fingerprint.size_bytes
            in_one_piece = min(size_bytes, LARGE_BYTES)
            try:
                sent = self._uploader.send(
                    self._folder,
                    path,
                    picture.descriptor,
                    size_bytes,
                    picture.content_type,
                    look=look,
                    on_progress=on_part,
                )
            except Rejected as exc:
                raise Refused(Reason.REFUSED_BY_S3, picture.fingerprint) from exc
            # What was sent is whole, but a file that changed meanwhile is another one: it comes again with its own age.
            if sent.kind is Kind.CHANGED or not picture.is_unchanged():
                raise NotNow
            self._on_progress(0)
            return picture, sent

    def remove(self, removals: list[Removal]) -> list[Outcome]:
        """Have files removed. Raises AgentError."""
        outcomes = self._remover.remove(self._folder, removals)
        self._on_progress(0)
        return outcomes

    @property
    def turn(self) -> Turn:
        """What its threads hold while they work."""
        return self._uploader.turn

    @property
    def is_removing(self) -> bool:
        """Whether files go, or are copied only."""
        return self._folder.delete_local
