"""Moves a slice of one folder's files: opens, inspects, uploads side by side, and has removed what S3 holds.

What a crash leaves behind, at any point: the file is here, or its object is proven, or both; the next scan goes on from
there. Nothing is kept of a slice but counts.
"""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from vawsum_agent.aws.objects import PART_BYTES, Conflict
from vawsum_agent.core.errors import AgentError, Rejected
from vawsum_agent.images.find.scan import Refusals
from vawsum_agent.images.inspect.picture import NotNow, Refused, opened
from vawsum_agent.images.reasons import Reason
from vawsum_agent.images.remove.removal import Outcome, Removal, RemoverError
from vawsum_agent.images.upload.content import LARGE_BYTES
from vawsum_agent.images.upload.send import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from vawsum_agent.config.model import ImagesFolder
    from vawsum_agent.core.clock import Clock
    from vawsum_agent.images.fingerprint import Fingerprint
    from vawsum_agent.images.inspect.picture import Picture
    from vawsum_agent.images.inspect.rules import Rules
    from vawsum_agent.images.remove.removal import Remover
    from vawsum_agent.images.upload.send import Sent

REMOVED_AT_ONCE = 64
"""Files whose removal is asked for together."""


class Uploader(Protocol):
    """What puts an open file into the bucket and proves it; see `images.upload`."""

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


@dataclass(frozen=True, slots=True)
class Kept:
    """A file that stays: copied where ``reason`` is None."""

    path: bytes
    fingerprint: Fingerprint
    reason: Reason | None


@dataclass(slots=True)
class Moved:
    """What became of a slice.

    Attributes:
        moved_count, moved_bytes: in the bucket, and not here any more.
        copied_count, copied_bytes: in the bucket, and here as configured.
        rewritten: uploaded over an older version of ours.
        later: gone, or touched again meanwhile.
        kept: what is not to be looked at again soon.
        refusals: what stays, by reason.
        left: not begun, since it was told to end, or because of ``error``.
        failed: begun and not done, because of ``error``.
    """

    moved_count: int = 0
    moved_bytes: int = 0
    copied_count: int = 0
    copied_bytes: int = 0
    rewritten: int = 0
    later: int = 0
    kept: list[Kept] = field(default_factory=list)
    refusals: Refusals = field(default_factory=Refusals)
    left: list[bytes] = field(default_factory=list)
    failed: list[bytes] = field(default_factory=list)
    error: AgentError | None = None

    @property
    def settled_count(self) -> int:
        """How many files were dealt with, whatever became of them."""
        return self.moved_count + self.copied_count + self.later + sum(self.refusals.counts.values())


class Mover:
    """Moves files of one folder. One slice at a time.

    Args:
        folder: with its rules about types, age and removal.
        root: a descriptor of it.
        rules: the same, ready to be asked.
        uploader: puts files into the bucket; called by several threads.
        remover: takes them away; called by one thread at a time.
        clock: wall time.
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

    def move(self, paths: Iterable[bytes], jobs: int, is_halted: Callable[[], bool] = lambda: False) -> Moved:
        """Move files, and end early at the first error that speaks against going on.

        Args:
            paths: relative to the folder.
            jobs: uploads at once.
            is_halted: asked before each file.
        """
        run = _Run(self, deque(paths), is_halted)
        if jobs == 1:
            run.work()
        else:
            with ThreadPoolExecutor(jobs, thread_name_prefix="images") as pool:
                for future in [pool.submit(run.work) for _ in range(jobs)]:
                    future.result()
        run.moved.left.extend(run.waiting)
        return run.moved

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
    def is_removing(self) -> bool:
        """Whether files go, or are copied only."""
        return self._folder.delete_local


class _Run:
    """One slice, worked at by several threads."""

    def __init__(self, mover: Mover, waiting: deque[bytes], is_halted: Callable[[], bool]) -> None:
        self.waiting = waiting
        self.moved = Moved()
        self._mover = mover
        self._is_halted = is_halted
        self._lock = threading.Lock()
        self._removing = threading.Lock()

    def work(self) -> None:
        """Take files until there are no more, or an error ends it."""
        sent: list[Removal] = []
        with ExitStack() as ending:
            ending.callback(self._remove, sent)
            while self.moved.error is None and not self._is_halted():
                try:
                    path = self.waiting.popleft()
                except IndexError:
                    return
                self._take(path, sent)
                if len(sent) >= REMOVED_AT_ONCE:
                    self._remove(sent)

    def _take(self, path: bytes, sent: list[Removal]) -> None:
        try:
            picture, result = self._mover.send(path)
        except Refused as refused:
            self._keep(path, refused.fingerprint, refused.reason)
        except (NotNow, Conflict):
            # Others keep writing to this one key: it comes again with the next scan, and holds up no other.
            with self._lock:
                self.moved.later += 1
        except AgentError as exc:
            self._fail(path, exc)
        else:
            self._settle(picture, result, sent)

    def _settle(self, picture: Picture, result: Sent, sent: list[Removal]) -> None:
        if result.kind is Kind.COLLISION:
            self._keep(picture.path, picture.fingerprint, Reason.COLLISION)
            return
        with self._lock:
            self.moved.rewritten += result.kind is Kind.REWRITTEN
            if not self._mover.is_removing:
                self.moved.copied_count += 1
                self.moved.copied_bytes += picture.fingerprint.size_bytes
                self.moved.kept.append(Kept(picture.path, picture.fingerprint, None))
        if self._mover.is_removing:
            sent.append(Removal(picture.path, picture.fingerprint))

    def _remove(self, sent: list[Removal]) -> None:
        if not sent:
            return
        removals = sent.copy()
        sent.clear()
        try:
            with self._removing:
                outcomes = self._outcomes(removals)
        except AgentError as exc:
            # Each is here and in the bucket: the next attempt finds it, and S3 says that it is there.
            with self._lock:
                self.moved.failed.extend(removal.path for removal in removals)
                self.moved.error = exc
            return
        with self._lock:
            for removal, outcome in zip(removals, outcomes, strict=True):
                self._book(removal, outcome)

    def _outcomes(self, removals: list[Removal]) -> list[Outcome]:
        if isinstance(self.moved.error, RemoverError):
            raise self.moved.error  # another thread has just waited for that
        return self._mover.remove(removals)

    def _book(self, removal: Removal, outcome: Outcome) -> None:
        if outcome in {Outcome.REMOVED, Outcome.GONE}:
            self.moved.moved_count += 1
            self.moved.moved_bytes += removal.fingerprint.size_bytes
        elif outcome is Outcome.REFUSED:
            self.moved.refusals.add(Reason.NOT_REMOVABLE, removal.path)
            self.moved.kept.append(Kept(removal.path, removal.fingerprint, Reason.NOT_REMOVABLE))
        else:
            self.moved.later += 1
            # It has another fingerprint by now, and comes again; or somebody has it open, and it waits.
            self.moved.kept.append(Kept(removal.path, removal.fingerprint, Reason.IN_USE))

    def _keep(self, path: bytes, fingerprint: Fingerprint | None, reason: Reason) -> None:
        with self._lock:
            self.moved.refusals.add(reason, path)
            if fingerprint is not None:
                self.moved.kept.append(Kept(path, fingerprint, reason))

    def _fail(self, path: bytes, error: AgentError) -> None:
        with self._lock:
            self.moved.failed.append(path)
            self.moved.error = self.moved.error or error
