"""The real helper: ``vawsum-agent owner-helper``, as another user, on a socket that is handed over."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.client import REPOSITORY
from tests.integration.images.remove.forked import forked, joined
from tests.unit.images.folders import folder_at
from tests.unit.images.remove.taking import CONTENT, Uploads
from vawsum_agent.images.remove import HelperRemover, Outcome, RemoverError

if TYPE_CHECKING:
    from collections.abc import Iterator

OWNER = pwd.getpwnam("nobody")
STRANGER = 12345
LIMIT_S = 30.0

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can run the helper as another user")


class OwnerHost:
    """A folder of uploads that another user owns, its configuration, and the helper's socket."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.uploads = Uploads(folder / "uploads")
        self.config = folder / "agent.toml"
        self.image_folder = folder_at(self.uploads.root, owner=OWNER.pw_name)
        self.configure("")
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / f"{OWNER.pw_name}.sock"))
        self._listener.listen(16)
        self._processes: list[subprocess.Popen[str]] = []

    def configure(self, further: str) -> None:
        """Write the configuration."""
        self.config.write_text(
            f'[[images.folder]]\nname = "app"\npath = "{self.uploads.root}"\nbucket = "vawsum-images"\n'
            f'public_url = "https://images.vawsum.com/"\nowner = "{OWNER.pw_name}"\n{further}'
        )

    def give(self) -> None:
        """Make everything in the folder the owner's."""
        for path in [self.uploads.root, *self.uploads.root.rglob("*")]:
            os.chown(path, OWNER.pw_uid, OWNER.pw_gid, follow_symlinks=False)

    def start(self, *options: str) -> subprocess.Popen[str]:
        """Start the helper as systemd would."""
        listener = self._listener.fileno()
        command = [sys.executable, "-m", "tests.integration.images.remove.as_owner"]
        command += [str(OWNER.pw_uid), str(OWNER.pw_gid), str(listener)]
        command += ["owner-helper", "--config", str(self.config), "--peer-user", "root", *options]
        process = subprocess.Popen(command, cwd=REPOSITORY, pass_fds=[listener], stderr=subprocess.PIPE, text=True)
        self._processes.append(process)
        return process

    def remover(self) -> HelperRemover:
        """Whoever asks."""
        return HelperRemover(str(self.folder), timeout_s=LIMIT_S)

    def close(self) -> None:
        """End what runs."""
        self._listener.close()
        for process in self._processes:
            process.kill()
            process.communicate()


@pytest.fixture
def host() -> Iterator[OwnerHost]:
    """A host whose helper is not started yet, in a folder that every user can enter."""
    folder = Path(tempfile.mkdtemp(prefix="vawsum-owner-"))
    folder.chmod(0o755)
    host = OwnerHost(folder)
    yield host
    host.close()
    shutil.rmtree(folder)


def test_removes_as_the_owner(host: OwnerHost) -> None:
    """Files of the owner go, files of others stay; what the owner may not write is refused, each by itself."""
    removals = [host.uploads.add(path) for path in ("a/cat.jpg", "b/dog.jpg", "closed/cow.jpg", "gone.jpg")]
    host.give()
    os.chown(host.uploads.root / "b/dog.jpg", 0, 0)
    os.chown(host.uploads.root / "closed", 0, 0)
    (host.uploads.root / "gone.jpg").unlink()
    removals = [host.uploads.removal(removal.path) for removal in removals[:3]] + removals[3:]
    host.start()
    outcomes = host.remover().remove(host.image_folder, removals)
    assert outcomes == [Outcome.REMOVED, Outcome.REFUSED, Outcome.REFUSED, Outcome.GONE]
    assert host.uploads.files() == {"b/dog.jpg": CONTENT, "closed/cow.jpg": CONTENT}
    assert host.uploads.quarantine.stat().st_uid == OWNER.pw_uid


def test_acts_below_its_own_folders_alone(host: OwnerHost) -> None:
    """For a folder that is not configured, another user's, or only copied, nothing is done, whoever asks."""
    other = Uploads(host.folder / "other")
    copied = Uploads(host.folder / "copied")
    tables = "".join(
        f'[[images.folder]]\nname = "{name}"\npath = "{uploads.root}"\nbucket = "vawsum-images"\n'
        f'public_url = "https://images.vawsum.com/{name}/"\nowner = "{owner}"\ndelete_local = {deletes}\n'
        for name, uploads, owner, deletes in (
            ("other", other, "daemon", "true"),
            ("copied", copied, OWNER.pw_name, "false"),
        )
    )
    host.configure(tables)
    host.give()
    host.start()
    for uploads, name, message in (
        (other, "other", "belongs to daemon"),
        (other, "app", "no folder 'app' at"),
        (copied, "copied", "copied only"),
    ):
        removal = uploads.add("cat.jpg")
        folder = folder_at(uploads.root, name=name, owner=OWNER.pw_name)
        with pytest.raises(RemoverError, match=message):
            host.remover().remove(folder, [removal])
        assert uploads.files() == {"cat.jpg": CONTENT}


def ask_as(uid: int, host: OwnerHost) -> None:
    """Ask as another user; ends with 0 when that is refused."""
    os.setgroups([])
    os.setresuid(uid, uid, uid)
    try:
        host.remover().recover(host.image_folder)
    except RemoverError as error:
        os._exit(0 if "hung up" in error.message else 2)
    os._exit(1)


def test_strangers_may_not_ask(host: OwnerHost) -> None:
    """A user who is neither the daemon's, nor the owner, nor root is refused even where the socket lets them in."""
    host.give()
    (host.folder / f"{OWNER.pw_name}.sock").chmod(0o666)
    process = host.start()
    assert joined(forked(ask_as, STRANGER, host)) == 0
    assert joined(forked(ask_as, OWNER.pw_uid, host)) == 1
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=LIMIT_S)
    assert f'"event":"removal_peer_refused","uid":{STRANGER}' in said


def test_ends_when_idle_and_comes_back(host: OwnerHost) -> None:
    """It ends by itself with 0; who connects afterwards waits for the next one, which reads the new configuration."""
    host.give()
    process = host.start("--idle-exit", "100ms")
    assert process.wait(LIMIT_S) == 0
    removal = host.uploads.add("cat.jpg")
    host.give()
    removal = host.uploads.removal(removal.path)
    host.start()
    assert host.remover().remove(host.image_folder, [removal]) == [Outcome.REMOVED]


def test_killed_in_between(host: OwnerHost) -> None:
    """A helper that is killed leaves nothing that the next one does not put right."""
    host.give()
    process = host.start()
    host.remover().recover(host.image_folder)
    (host.uploads.quarantine / "fa%2Fcat.jpg").write_bytes(CONTENT)
    host.give()
    process.kill()
    process.wait(LIMIT_S)
    host.start()
    assert host.remover().recover(host.image_folder) == 1
    assert host.uploads.files() == {"a/cat.jpg": CONTENT}


def test_its_user_can_not_look_into_it(host: OwnerHost) -> None:
    """Processes of the same user, as PHP's are, can't look into the helper: it has one more group."""
    host.give()
    process = host.start()
    host.remover().recover(host.image_folder)
    look = ["cat", f"/proc/{process.pid}/environ"]
    as_owner: dict[str, Any] = {"user": OWNER.pw_uid, "group": OWNER.pw_gid, "extra_groups": []}
    looked = subprocess.run(look, **as_owner, capture_output=True, text=True, check=False)
    assert "Permission denied" in looked.stderr


def test_bad_configuration(host: OwnerHost) -> None:
    """With a configuration that is refused it answers why, and goes on once that is mended: no restart in a loop."""
    good = host.config.read_text()
    host.config.write_text("nonsense = 1\n")
    host.give()
    host.start()
    with pytest.raises(RemoverError, match="nonsense"):
        host.remover().recover(host.image_folder)
    host.config.write_text(good)
    assert host.remover().recover(host.image_folder) == 0


def test_without_a_socket(host: OwnerHost) -> None:
    """Started by hand without one it says what to do; wrong users are told likewise."""
    command = [sys.executable, "-m", "vawsum_agent", "owner-helper", "--config", str(host.config)]
    ended = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr.count("\n")) == (64, 1)
    assert "systemctl enable --now vawsum-agent-owner@USER.socket" in ended.stderr
    command += ["--socket", str(host.folder / "b.sock"), "--peer-user", "no-such-user"]
    ended = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1)
    assert "no such user: no-such-user" in ended.stderr
