"""Processes share a slice: each file is one's, what became of all comes back, and none outlives its parent."""

from __future__ import annotations

import os
import pickle
import signal
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psutil
import pytest

from vawsum_agent.aws.objects import Conflict, ObjectExists
from vawsum_agent.core.errors import AccessDenied, AgentError, Throttled, Unavailable
from vawsum_agent.images.move.crew import Crew
from vawsum_agent.images.move.moved import Moved
from vawsum_agent.images.remove.removal import RemoverError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

PATHS = [f"{number:03}.jpg".encode() for number in range(50)]
COUNT = 3
LIMIT_S = 30.0


class Notes:
    """Moves nothing, but notes in files which process had which path, and with how many threads.

    Args:
        folder: of the notes.
        fails_at: the path at which it ends with an error.
        dies_at: the path at which its process is killed.
        waits_at: the path at which it waits until it is told to end.
    """

    def __init__(self, folder: Path, fails_at: bytes = b"", dies_at: bytes = b"", waits_at: bytes = b"") -> None:
        self._folder = folder
        self._fails_at, self._dies_at, self._waits_at = fails_at, dies_at, waits_at

    @contextmanager
    def made(self, is_halted: Callable[[], bool]) -> Iterator[Notes]:
        """Be made in each process."""
        del is_halted
        yield self

    def move(
        self,
        paths: Sequence[bytes],
        jobs: int,
        is_halted: Callable[[], bool] = lambda: False,
        on_settled: Callable[[Moved], None] | None = None,
    ) -> Moved:
        """See `Mover.move`."""
        for index, path in enumerate(paths):
            if path == self._fails_at:
                return Moved(
                    failed=[path], left=list(paths[index + 1 :]), error=Unavailable("no", operation="PutObject")
                )
            if path == self._dies_at:
                os.kill(os.getpid(), signal.SIGKILL)
            if path == self._waits_at:
                while not is_halted():
                    time.sleep(0.005)
            if is_halted():
                return Moved(left=list(paths[index:]))
            (self._folder / os.fsdecode(path)).write_text(f"{os.getpid()} {jobs}")
            assert on_settled is not None
            on_settled(Moved(moved_count=1, moved_bytes=10))
        return Moved(later=1)

    def noted(self) -> dict[str, tuple[int, int]]:
        """Give process and threads by path."""
        return {path.name: tuple(map(int, path.read_text().split())) for path in self._folder.iterdir()}  # type: ignore[misc]


def test_each_file_is_moved_once(tmp_path: Path) -> None:
    """All processes get about as many, none of them is ours; the threads are shared out, and the counts add up."""
    notes, told = Notes(tmp_path), list[Moved]()
    with Crew(notes.made, COUNT) as crew:
        result = crew.move(PATHS, 8, on_settled=told.append)
        again = crew.move([b"again.jpg"], 8)
    assert sum(some.moved_count for some in told) == len(PATHS)
    assert (result.moved_count, result.later, result.left, result.error) == (0, COUNT, [], None)
    assert (again.moved_count, again.moved_bytes) == (1, 10)
    noted = notes.noted()
    assert noted.pop("again.jpg")
    assert noted.keys() == {os.fsdecode(path) for path in PATHS}
    assert len(set(noted.values())) == COUNT
    assert os.getpid() not in {process for process, _ in noted.values()}
    assert sorted(jobs for _, jobs in set(noted.values())) == [2, 3, 3]


def test_one_job_is_one_process(tmp_path: Path) -> None:
    """As many uploads at once as were asked for, however many processes there are."""
    notes = Notes(tmp_path)
    with Crew(notes.made, COUNT) as crew:
        assert crew.move(PATHS, 1).moved_count == len(PATHS)
    assert {jobs for _, jobs in notes.noted().values()} == {1}
    assert len(set(notes.noted().values())) == 1


def test_an_error_of_one_ends_all(tmp_path: Path) -> None:
    """What it says comes back as it is; each file is moved, failed or left."""
    notes = Notes(tmp_path, fails_at=PATHS[0], waits_at=PATHS[4])
    with Crew(notes.made, COUNT) as crew:
        result = crew.move(PATHS, COUNT)
    assert isinstance(result.error, Unavailable)
    assert (result.error.message, result.error.operation, result.failed) == ("no", "PutObject", [PATHS[0]])
    assert PATHS[4] in result.left
    assert result.moved_count + len(result.left) + len(result.failed) == len(PATHS)


def test_told_to_end(tmp_path: Path) -> None:
    """Asked by its own process, the others hear of it; the next slice begins as if nothing had been."""
    notes = Notes(tmp_path, waits_at=PATHS[0])
    with Crew(notes.made, COUNT) as crew:
        result = crew.move(PATHS, COUNT, is_halted=(tmp_path / os.fsdecode(PATHS[1])).exists)
        assert PATHS[0] in result.left
        assert crew.move(PATHS[1:], COUNT).moved_count == len(PATHS) - 1


def test_a_process_that_dies(tmp_path: Path) -> None:
    """What it had is given back and the cause is told, at once and whenever it is asked for more; nobody waits."""
    notes = Notes(tmp_path, dies_at=PATHS[1])
    with Crew(notes.made, COUNT) as crew:
        for _ in range(2):
            result = crew.move(PATHS, COUNT)
            assert result.error is not None
            assert "ended unexpectedly" in result.error.message
            assert result.error.hint
            assert set(PATHS[1::COUNT]) <= set(result.left)


def test_what_can_not_be_made() -> None:
    """No credentials, no such folder: told as the error of each slice, with all files left."""

    @contextmanager
    def made(_: Callable[[], bool]) -> Iterator[Notes]:
        raise AccessDenied("no role", operation="PutObject", hint="give it one")
        yield  # type: ignore[unreachable]

    with Crew(made, COUNT) as crew:
        for _ in range(2):
            result = crew.move(PATHS, COUNT)
            assert isinstance(result.error, AccessDenied)
            assert str(result.error) == "no role (give it one)"
            assert sorted(result.left) == PATHS


@pytest.mark.parametrize(
    "error",
    [
        AgentError("m", hint="h"),
        RemoverError("m", hint="h"),
        Throttled("m", operation="PutObject", code="SlowDown", hint="h"),
        Unavailable("m", operation="PutObject", code="503", hint="h", maybe_done=False),
        Conflict("m", operation="PutObject", code="409", hint="h", maybe_done=False),
        ObjectExists("m", operation="PutObject", code="412"),
    ],
)
def test_errors_survive_the_way_back(error: AgentError) -> None:
    """Class, text, hint and what a retry may count on."""
    back = pickle.loads(pickle.dumps(error))  # noqa: S301 - just written
    assert type(back) is type(error)
    assert vars(back) == vars(error)


@pytest.mark.parametrize("waits_at", [b"", PATHS[-1]])
def test_none_outlives_its_parent(tmp_path: Path, waits_at: bytes) -> None:
    """A parent that is killed takes them along at once, whether they wait for more or are at work."""
    parent = os.fork()
    if parent == 0:
        crew = Crew(Notes(tmp_path, waits_at=waits_at).made, COUNT)
        crew.move(PATHS, COUNT, on_settled=lambda _: None)
        time.sleep(LIMIT_S)
        os._exit(1)
    _wait_until(lambda: len(list(tmp_path.iterdir())) == len(PATHS) - bool(waits_at))
    children = psutil.Process(parent).children()
    assert len(children) == COUNT
    os.kill(parent, signal.SIGKILL)
    os.waitpid(parent, 0)
    _wait_until(lambda: not any(child.is_running() and child.status() != "zombie" for child in children))


def _wait_until(holds: Callable[[], bool]) -> None:
    ends_at = time.monotonic() + LIMIT_S
    while not holds():
        assert time.monotonic() < ends_at
        time.sleep(0.01)
