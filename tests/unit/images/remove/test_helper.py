"""The owner's helper, and whoever speaks to it."""

from __future__ import annotations

import os
import pwd
import socket
import threading
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
    from collections.abc import Iterator, Sequence

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
    """A helper that listens, in a thread of this process."""

    def __init__(self, folder: Path, peers: frozenset[int]) -> None:
        self.folder = folder
        self.recorder = Recorder()
        self._helper = Helper(OwnFolders(write(folder, CONFIG), NOBODY), self.recorder, peers, timeout_s=0.5)
        self._listener = bound(folder / "nobody.sock")
        self._is_over = False
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            with connection:
                if self._is_over:
                    return
                self._helper.serve(connection)

    def remover(self) -> HelperRemover:
        """Whoever asks it."""
        return HelperRemover(str(self.folder), timeout_s=60)

    def say(self, raw: bytes) -> bytes:
        """Send bytes, and read to the end."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(60)
            connection.connect(str(self.folder / "nobody.sock"))
            try:
                connection.sendall(raw)
                connection.shutdown(socket.SHUT_WR)
                return connection.recv(1 << 16)
            except OSError:  # it hung up before it had read everything
                return b""

    def close(self) -> None:
        """Let it come to its end; it must still be there for that."""
        assert self._thread.is_alive()
        self._is_over = True
        self.say(b"")
        self._thread.join(60)
        self._listener.close()


@pytest.fixture
def helper(tmp_path: Path) -> Iterator[Served]:
    """A helper that listens to this process's user."""
    served = Served(tmp_path, frozenset({os.geteuid()}))
    yield served
    served.close()


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
        silent.connect(str(helper.folder / "nobody.sock"))
        assert helper.remover().recover(FOLDER) == 3
    assert helper.recorder.removed == []


def test_others_may_not_ask(tmp_path: Path) -> None:
    """Whoever is not among the peers gets no answer, and nothing is done for them."""
    served = Served(tmp_path, frozenset({os.geteuid() + 1}))
    with pytest.raises(RemoverError, match="hung up") as caught:
        served.remover().remove(FOLDER, [Removal(b"a", ANY)])
    assert "journalctl" in caught.value.hint
    assert served.recorder.removed == []
    served.close()


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
    listener = bound(tmp_path / "nobody.sock")
    helper = Helper(OwnFolders(write(tmp_path, CONFIG), NOBODY), Recorder(), frozenset({os.geteuid()}))

    def end_and_start_again() -> None:
        listener.accept()[0].close()
        connection, _ = listener.accept()
        with connection:
            helper.serve(connection)

    thread = threading.Thread(target=end_and_start_again)
    thread.start()
    assert HelperRemover(str(tmp_path), timeout_s=60).recover(FOLDER) == 3
    thread.join(60)
    listener.close()


def test_an_answer_that_is_none(tmp_path: Path) -> None:
    """An answer of another version, or for another number of files, is not believed."""
    for answer in (b'{"version":2}', b'{"version":1,"outcomes":["removed","removed"]}', b"\xff"):
        listener = bound(tmp_path / "nobody.sock")

        def reply(listener: socket.socket = listener, answer: bytes = answer) -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1 << 16)
                connection.sendall(len(answer).to_bytes(4, "big") + answer)

        thread = threading.Thread(target=reply)
        thread.start()
        with pytest.raises(RemoverError, match="answered"):
            HelperRemover(str(tmp_path), timeout_s=60).remove(FOLDER, [Removal(b"a", ANY)])
        thread.join(60)
        listener.close()


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
