"""The owner's helper, and whoever speaks to it."""

from __future__ import annotations

import os
import pwd
import socket
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.unit.config.configurations import write
from tests.unit.images.folders import folder_at
from vawsum_agent.core.errors import AgentError
from vawsum_agent.images.fingerprint import Fingerprint
from vawsum_agent.images.remove.choose import choose
from vawsum_agent.images.remove.client import HelperRemover
from vawsum_agent.images.remove.direct import DirectRemover
from vawsum_agent.images.remove.folders import OwnFolders
from vawsum_agent.images.remove.helper import Helper
from vawsum_agent.images.remove.listening import bound, inherited, serve_until_idle
from vawsum_agent.images.remove.removal import Outcome, Removal, RemoverError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from vawsum_agent.config.model import ImagesFolder

NOBODY = pwd.getpwnam("nobody").pw_uid
ANY = Fingerprint(1, 2, 3, 4, 5)
CONFIG = """
[[images.folder]]
name = "app"
path = "/var/www/app"
bucket = "vawsum-images"
public_url = "https://images.vawsum.com/app/"
owner = "nobody"
"""


class Recorder:
    """A remover that removes nothing and remembers all."""

    def __init__(self) -> None:
        self.removed: list[Removal] = []
        self.batches: list[int] = []
        self.error: RemoverError | None = None

    def remove(self, folder: ImagesFolder, removals: Sequence[Removal]) -> list[Outcome]:
        """Remember."""
        assert folder.name == "app"
        if self.error is not None:
            raise self.error
        self.removed += removals
        self.batches.append(len(removals))
        return [list(Outcome)[len(removal.path) % 4] for removal in removals]

    def recover(self, folder: ImagesFolder) -> int:
        """Put nothing back, and say so."""
        return len(folder.name)

    def close(self) -> None:
        """Nothing to give back."""


class Served:
    """A helper of nobody's, and whoever speaks to it over its socket."""

    def __init__(self, folder: Path, peers: frozenset[int]) -> None:
        self.folder = folder
        self.socket = folder / "nobody.sock"
        self.recorder = Recorder()
        self._helper = Helper(OwnFolders(write(folder, CONFIG), NOBODY), self.recorder, peers, timeout_s=0.5)

    def serve(self, listener: socket.socket) -> None:
        """Answer one connection after the other, until the listener is shut down."""
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection:
                    self.answer(connection)

    def answer(self, connection: socket.socket) -> None:
        """Answer one connection. What gets out of the helper is a defect that no test may pass over."""
        try:
            self._helper.serve(connection)
        except OSError as exc:
            message = "the helper let an error out that is the connection's alone"
            raise AssertionError(message) from exc

    def remover(self) -> HelperRemover:
        """Whoever asks it."""
        return HelperRemover(str(self.folder), timeout_s=60)

    def say(self, raw: bytes) -> bytes:
        """Send bytes, and read to the end."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(60)
            connection.connect(str(self.socket))
            try:
                connection.sendall(raw)
                connection.shutdown(socket.SHUT_WR)
                return connection.recv(1 << 16)
            except OSError:  # it hung up before it had read everything
                return b""


@contextmanager
def listening(path: Path, deed: Callable[[socket.socket], None]) -> Iterator[None]:
    """Listen, and do something with that in a thread; what it raises is raised here.

    However the block ends, the thread ends as well: it is woken where it waits for a connection; where it waits for
    anything else it holds up nobody.
    """
    raised: list[BaseException] = []

    def run(listener: socket.socket) -> None:
        try:
            deed(listener)
        except BaseException as exc:  # noqa: BLE001 - raised below
            raised.append(exc)
            listener.shutdown(socket.SHUT_RDWR)  # nobody waits for what does not come

    with bound(path) as listener:
        thread = threading.Thread(target=run, args=(listener,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(60)
            assert not thread.is_alive()
            if raised:
                raise raised[0]


@contextmanager
def served(folder: Path, peers: frozenset[int]) -> Iterator[Served]:
    """A helper that listens, in a thread of this process."""
    helper = Served(folder, peers)
    with listening(helper.socket, helper.serve):
        yield helper


@pytest.fixture
def helper(tmp_path: Path) -> Iterator[Served]:
    """A helper that listens to this process's user."""
    with served(tmp_path, frozenset({os.geteuid()})) as helper:
        yield helper


FOLDER = folder_at(Path("/var/www/app"), owner="nobody")


def test_outcomes_come_back_in_order(helper: Served) -> None:
    """Each removal gets its outcome, over as many requests as they need; what is no path is not even asked for."""
    removals = [Removal(b"x" * (1 + number % 300), ANY) for number in range(700)]
    removals[350] = Removal(b"../x", ANY)
    outcomes = helper.remover().remove(FOLDER, removals)
    expected = [list(Outcome)[len(removal.path) % 4] for removal in removals]
    expected[350] = Outcome.REFUSED
    assert outcomes == expected
    assert helper.recorder.removed == [*removals[:350], *removals[351:]]
    assert len(helper.recorder.batches) > 1
    assert helper.remover().recover(FOLDER) == 3
    assert helper.remover().remove(FOLDER, []) == []


def test_errors_come_back(helper: Served) -> None:
    """What the helper can't do is raised where it was asked for, with the hint."""
    helper.recorder.error = RemoverError("read-only", hint="mount it")
    with pytest.raises(RemoverError) as caught:
        helper.remover().remove(FOLDER, [Removal(b"a", ANY)])
    assert (caught.value.message, caught.value.hint) == ("read-only", "mount it")
    with pytest.raises(RemoverError, match="no folder 'app' at /etc"):
        helper.remover().remove(folder_at(Path("/etc"), owner="nobody"), [Removal(b"passwd", ANY)])
    assert helper.recorder.removed == []


def test_whatever_is_sent_it_goes_on(helper: Served) -> None:
    """Nonsense, half a message, a huge length, silence: the connection ends, and the next request is answered."""
    for raw in (b"", b"\0", b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 64, b"\0\0\0\x02{}", b"\0\0\0\x05[[[[["):
        assert helper.say(raw) == b""
    with socket.socket(socket.AF_UNIX) as silent:
        silent.settimeout(60)
        silent.connect(str(helper.socket))
        assert helper.remover().recover(FOLDER) == 3
    assert helper.recorder.removed == []


def test_others_may_not_ask(tmp_path: Path) -> None:
    """Whoever is not among the peers gets no answer, and nothing is done for them."""
    with served(tmp_path, frozenset({os.geteuid() + 1})) as helper:
        with pytest.raises(RemoverError, match="hung up") as caught:
            helper.remover().remove(FOLDER, [Removal(b"a", ANY)])
        assert "journalctl" in caught.value.hint
        assert helper.recorder.removed == []


def test_no_helper(tmp_path: Path) -> None:
    """Without a socket, or with one that nobody listens on, the error says which unit to enable."""
    remover = HelperRemover(str(tmp_path))
    for _ in range(2):
        with pytest.raises(RemoverError) as caught:
            remover.recover(FOLDER)
        assert caught.value.hint == "systemctl enable --now vawsum-agent-owner@nobody.socket"
        assert str(tmp_path / "nobody.sock") in caught.value.message
        bound(tmp_path / "nobody.sock").close()


def test_a_helper_that_does_not_answer(tmp_path: Path) -> None:
    """A helper that hangs is not waited for beyond the timeout."""
    with bound(tmp_path / "nobody.sock"), pytest.raises(RemoverError, match=r"did not answer within 0\.2 s"):
        HelperRemover(str(tmp_path), timeout_s=0.2).recover(FOLDER)


def test_a_helper_that_ends_meanwhile(tmp_path: Path) -> None:
    """A connection that the helper left unanswered when it ended is tried once more, with the next helper."""
    helper = Served(tmp_path, frozenset({os.geteuid()}))

    def end_and_start_again(listener: socket.socket) -> None:
        listener.accept()[0].close()
        connection, _ = listener.accept()
        with connection:
            helper.answer(connection)

    with listening(helper.socket, end_and_start_again):
        assert helper.remover().recover(FOLDER) == 3


def test_an_answer_that_is_none(tmp_path: Path) -> None:
    """An answer of another version, or for another number of files, is not believed."""
    for answer in (b'{"version":2}', b'{"version":1,"outcomes":["removed","removed"]}', b"\xff"):

        def reply(listener: socket.socket, answer: bytes = answer) -> None:
            connection, _ = listener.accept()
            with connection:
                connection.settimeout(60)
                connection.recv(1 << 16)
                connection.sendall(len(answer).to_bytes(4, "big") + answer)

        with listening(tmp_path / "nobody.sock", reply), pytest.raises(RemoverError, match="answered"):
            HelperRemover(str(tmp_path), timeout_s=60).remove(FOLDER, [Removal(b"a", ANY)])


def test_its_socket_is_private(tmp_path: Path) -> None:
    """A socket made by hand is for its own user, also in place of one that was left behind."""
    for _ in range(2):
        bound(tmp_path / "a.sock").close()
        assert (tmp_path / "a.sock").stat().st_mode & 0o777 == 0o600
    with pytest.raises(AgentError, match="can't make the socket"):
        bound(tmp_path / "missing/a.sock")


def test_ends_when_nobody_asks(tmp_path: Path) -> None:
    """A helper that nobody asks ends by itself; as long as somebody does it goes on."""
    served = 0

    def serve(_connection: socket.socket) -> None:
        nonlocal served
        served += 1

    with bound(tmp_path / "a.sock") as listener:
        for _ in range(3):
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(60)
                connection.connect(str(tmp_path / "a.sock"))
        serve_until_idle(listener, serve, idle_exit_s=0.05)
    assert served == 3


def test_nothing_handed_over() -> None:
    """Descriptors that were meant for another process are left alone."""
    assert inherited({}, 1) is None
    assert inherited({"LISTEN_PID": "2", "LISTEN_FDS": "1"}, 1) is None


def test_who_removes() -> None:
    """The owner removes by itself; anybody else asks the owner's helper, also for an owner that is unknown here."""
    me = pwd.getpwuid(os.geteuid()).pw_name
    other = "nobody" if me != "nobody" else "daemon"
    assert isinstance(choose(folder_at(Path("/up"), owner=me)), DirectRemover)
    assert isinstance(choose(folder_at(Path("/up"), owner=other)), HelperRemover)
    assert isinstance(choose(folder_at(Path("/up"), owner="no-such-user")), HelperRemover)
