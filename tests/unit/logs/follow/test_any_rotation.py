"""The follower against a model, through random sequences of everything that happens to logs and agents."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import structlog
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.counts import count
from tests.unit.logs.follow.disk import Disk
from tests.unit.logs.follow.following import RecordsInMemory, SetClock, SetReader, source_of

LENGTHS = st.sampled_from([1, 30, 300, 1000, 3000, 70_000])


class AnyRotation(RuleBasedStateMachine):
    """Every byte of every generation is accepted exactly once, as long as it is anywhere on the disk.

    A generation of which something was nowhere any more (truncated, or deleted while nobody looked) is accepted up to
    some point, once.
    """

    def __init__(self) -> None:
        super().__init__()
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
        self.folder = Path(tempfile.mkdtemp(prefix="vawsum-follow-"))
        self.clock = SetClock()
        self.is_running = False

    @initialize(
        style=st.sampled_from(["numbers", "dateext", "extension"]),
        has_header=st.booleans(),
        is_broad=st.booleans(),
        rotations=st.integers(0, 2),
        length=LENGTHS,
        is_empty=st.booleans(),
    )
    def begin(
        self, style: str, *, has_header: bool, is_broad: bool, rotations: int, length: int, is_empty: bool
    ) -> None:
        """Meet a log for the first time: its older rotations are none of ours."""
        self.disk = Disk(self.folder, self.clock, style, has_header=has_header)
        for number in range(rotations):
            self.disk.write(length)
            self.disk.rotate(copies=False, compresses=number == 0, creates=False)
        for inode in self.disk.written_elsewhere():
            self.disk.release(inode)
        self.foreign = set(self.disk.generations)
        self.disk.touch()
        if not is_empty:
            self.disk.write(length)
        glob = "access*" if is_broad else "access.log"
        self.reader = SetReader(source_of(self.folder / glob), RecordsInMemory(), self.clock)
        self.is_running = True
        self.scan()

    # What happens to the logs

    @rule(length=LENGTHS)
    def write(self, length: int) -> None:
        """A program logs."""
        self.disk.write(length)

    @rule(length=LENGTHS, pick=st.integers(0, 5))
    def write_late(self, length: int, pick: int) -> None:
        """A slow program goes on writing to a file that was rotated, compressed or deleted meanwhile."""
        inodes = self.disk.written_elsewhere()
        if inodes:
            self.disk.write_to(inodes[pick % len(inodes)], length)
            self.mark()

    @rule(pick=st.integers(0, 5))
    def release(self, pick: int) -> None:
        """The slow program opens its log anew."""
        inodes = self.disk.written_elsewhere()
        if inodes:
            self.disk.release(inodes[pick % len(inodes)])

    @rule(copies=st.booleans(), compresses=st.booleans(), creates=st.booleans())
    def rotate(self, *, copies: bool, compresses: bool, creates: bool) -> None:
        """Logrotate runs."""
        self.disk.rotate(copies=copies, compresses=compresses, creates=creates)
        self.mark()

    @rule(share=st.floats(0, 1))
    def begin_copy(self, share: float) -> None:
        """Logrotate's copytruncate takes its time with a large log."""
        self.disk.begin_copy(share)

    @rule(late=st.sampled_from([0, 0, 300]))
    def end_copy(self, late: int) -> None:
        """It is through, and truncates the log; a line may come in between."""
        self.disk.end_copy(late)
        self.mark()

    @rule(pick=st.integers(0, 5))
    def compress(self, pick: int) -> None:
        """The delayed compression comes."""
        names = [name for name in self.disk.rotated() if not name.endswith(".gz") and name != self.disk.copying]
        if names:
            self.disk.compress(names[pick % len(names)])
            self.mark()

    @rule()
    def delete_oldest(self) -> None:
        """The oldest rotation has reached maxage."""
        for name in self.disk.rotated()[:1]:
            if name != self.disk.copying:
                self.disk.delete(name)
        self.mark()

    @precondition(lambda self: self.disk.copying is None)
    @rule()
    def truncate(self) -> None:
        """Somebody empties the log."""
        self.disk.truncate()
        self.mark()

    @precondition(lambda self: self.disk.copying is None)
    @rule()
    def delete_live(self) -> None:
        """Somebody removes the log."""
        if self.disk.live in self.disk.entries:
            self.disk.delete(self.disk.live)
        self.mark()

    # What the agent does

    @precondition(lambda self: self.is_running)
    @rule()
    def scan(self) -> None:
        """A scan is due."""
        self.reader.follower.scan()
        self.disk.seen()

    @precondition(lambda self: self.is_running)
    @rule(limit=st.sampled_from([1, 100, 1024, 1 << 20]), pick=st.integers(0, 5))
    def read(self, limit: int, pick: int) -> None:
        """There is room in the buffer."""
        tails = self.reader.follower.tails()
        if tails:
            self.reader.read(tails[pick % len(tails)], limit)

    @precondition(lambda self: self.is_running)
    @rule(back=st.integers(0, 2000), pick=st.integers(0, 5))
    def take_back(self, back: int, pick: int) -> None:
        """A destination fails: what is not accepted is given up, to be read again."""
        tails = self.reader.follower.tails()
        if tails:
            self.reader.take_back(tails[pick % len(tails)], back)

    @precondition(lambda self: self.is_running)
    @rule(share=st.floats(0, 1), pick=st.integers(0, 5))
    def accept(self, share: float, pick: int) -> None:
        """CloudWatch accepts some of what was read."""
        tails = self.reader.follower.tails()
        if tails:
            tail = tails[pick % len(tails)]
            self.reader.checkpoint(tail, int(share * len(self.reader.pending.get(tail.file_id, b""))))

    @precondition(lambda self: self.is_running)
    @rule()
    def drain(self) -> None:
        """All is well for a while."""
        self.reader.drain()
        self.disk.seen()

    @precondition(lambda self: self.is_running)
    @rule()
    def stop(self) -> None:
        """The agent is killed."""
        self.reader.stop()
        self.is_running = False
        self.disk.forgotten()
        self.mark()

    @precondition(lambda self: not self.is_running)
    @rule()
    def start(self) -> None:
        """The agent starts."""
        self.reader.start()
        self.is_running = True
        self.scan()

    @rule(seconds=st.sampled_from([0.1, 3.0, 30.0, 90.0]))
    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.clock.advance(seconds)

    # What must hold

    def mark(self) -> None:
        """Take note of what can't be read any more."""
        accepted = {}
        for content in self.reader.contents:
            for generation in self.disk.generations:
                if generation.content.startswith(content):
                    accepted[generation.number] = len(content)
        self.disk.mark_losses(accepted)

    def teardown(self) -> None:
        """Everything is read in the end; then compare."""
        try:
            if hasattr(self, "reader"):
                if not self.is_running:
                    self.start()
                self.reader.settle()
                self.compare()
                self.reader.stop()
        finally:
            if hasattr(self, "disk"):
                self.disk.close()
            shutil.rmtree(self.folder)
            structlog.reset_defaults()

    def compare(self) -> None:
        """See that every generation was accepted once."""
        left = list(self.reader.contents)
        for generation in self.disk.generations:
            content = bytes(generation.content)
            if generation not in self.foreign and not generation.is_lossy and content:
                assert content in left, f"generation {generation.number} of {len(content)} bytes was not accepted whole"
                left.remove(content)
        lossy = [bytes(generation.content) for generation in self.disk.generations if generation.is_lossy]
        for content in sorted(left, key=len, reverse=True):
            match = next((whole for whole in lossy if whole.startswith(content)), None)
            assert match is not None, (
                f"{len(content)} bytes were accepted that nobody wrote so, or twice: {content[:99]!r}"
            )
            lossy.remove(match)


TestAnyRotation = AnyRotation.TestCase
TestAnyRotation.settings = settings(
    max_examples=count(200, 10_000),
    stateful_step_count=count(30, 50),
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)
