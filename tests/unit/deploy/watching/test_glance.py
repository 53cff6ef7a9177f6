"""Looking at a journal that somebody else writes, without any right but to read it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.unit.deploy.watching.records import DEPLOYED, TAKEN_BACK, Host, deploy_id, record
from vawsum_agent.core.errors import DeployError
from vawsum_agent.deploy.confined import is_hidden, opening
from vawsum_agent.deploy.glance import Glance
from vawsum_agent.deploy.machine import End, Step

if TYPE_CHECKING:
    from collections.abc import Callable

MOUNTS = """\
22 1 254:0 / / ro,relatime shared:1 - ext4 /dev/vda rw
40 22 0:33 / /var/www ro,nosuid - tmpfs tmpfs ro,mode=755
41 22 0:34 / /tmp rw,nosuid - tmpfs tmpfs rw
"""


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """An application that was never deployed."""
    return Host(tmp_path / "web")


def test_down_to_the_last_that_was_deployed(host: Host) -> None:
    """What came before it is not even read: however long the history is, a look stays short."""
    glance = Glance(host.folder, "")
    assert glance.look() == []
    for number in range(5):
        end = End.DEPLOYED if number in {1, 2} else End.TAKEN_BACK
        host.write(record(*(DEPLOYED if number in {1, 2} else TAKEN_BACK), number=number, end=end))
    (host.journal / f"{deploy_id(0)}.json").write_text("nonsense")
    (host.journal / f"{deploy_id(9)}.log").write_text("said")
    (host.journal / "of-somebody-else.json").write_text("nonsense")
    assert [found.deploy_id for found in glance.look()] == [deploy_id(number) for number in (4, 3, 2)]


@pytest.mark.parametrize("is_old", [True, False])
def test_every_note_is_seen(host: Host, *, is_old: bool) -> None:
    """Also those within one tick of the file system's clock; what did not change is not read again."""
    glance = Glance(host.folder, "")
    made = record((Step.FETCH, "begun"))
    host.write(made, is_old=is_old)
    assert [len(found.lines) for found in glance.look()] == [1]
    before = glance.look()[0]
    assert glance.look()[0] is before
    for count in range(2, 6):
        made.lines = [*made.lines, made.lines[0]]
        host.write(made)
        assert [len(found.lines) for found in glance.look()] == [count]


def test_nothing_is_changed(host: Host) -> None:
    """No file, no time, no lock."""
    host.write(record(*DEPLOYED, end=End.DEPLOYED))

    def picture() -> list[tuple[str, int, int]]:
        found = sorted(host.folder.path.rglob("*"))
        return [(str(path), path.stat().st_mtime_ns, path.stat().st_ino) for path in found]

    before = picture()
    Glance(host.folder, "").look()
    assert picture() == before


def test_what_is_no_record_is_told(host: Host) -> None:
    """Of a newer agent perhaps: nobody then knows whether it ended."""
    host.write(record(*DEPLOYED, end=End.DEPLOYED))
    glance = Glance(host.folder, "")
    glance.look()
    body = msgspec.json.decode((host.journal / f"{deploy_id(1)}.json").read_bytes())
    (host.journal / f"{deploy_id(2)}.json").write_bytes(msgspec.json.encode(body | {"version": 2}))
    for _ in range(2):
        with pytest.raises(DeployError, match=r"is no record of a deploy .*newer agent"):
            glance.look()
    (host.journal / f"{deploy_id(2)}.json").unlink()
    assert len(glance.look()) == 1


def test_what_is_no_folder_is_told(host: Host) -> None:
    """Somebody put a file into the way."""
    host.folder.path.mkdir()
    host.folder.journal.write_text("")
    with pytest.raises(DeployError, match="Not a directory"):
        Glance(host.folder, "").look()


@pytest.fixture
def mounted(tmp_path: Path) -> Callable[[str], Path]:
    """A procfs with these mounts."""

    def mounted(text: str) -> Path:
        (tmp_path / "proc/self").mkdir(parents=True)
        (tmp_path / "proc/self/mountinfo").write_text(text)
        return tmp_path / "proc"

    return mounted


@pytest.mark.parametrize(
    ("path", "is_it"),
    [("/var/www/web", True), ("/var/www", True), ("/opt/web", False), ("/tmp/web", False), ("/var/wwwx", False)],
)
def test_what_the_unit_hides(mounted: Callable[[str], Path], path: str, *, is_it: bool) -> None:
    """An empty file system that can't be written lies over it; one for everybody's temporary files hides nothing."""
    assert is_hidden(Path(path), mounted(MOUNTS) / "self") is is_it


def test_hidden_and_opened(mounted: Callable[[str], Path]) -> None:
    """What is hidden is not taken for what was never deployed, and the remedy opens the records of all applications."""
    proc = mounted(MOUNTS)
    remedy = opening([Path("/var/www/no-such-web"), Path("/srv/b")])
    with pytest.raises(DeployError, match="hidden from the daemon by its unit") as caught:
        Glance(Host(Path("/var/www/no-such-web")).folder, remedy, proc).look()
    assert caught.value.hint == remedy
    assert (
        "BindReadOnlyPaths=-/var/www/no-such-web/.vawsum/deploys\\nBindReadOnlyPaths=-/srv/b/.vawsum/deploys" in remedy
    )
    assert "by BindReadOnlyPaths= in /etc/systemd" in opening([Path("/srv/a b")])
    assert Glance(Host(Path("/opt/no-such-web")).folder, remedy, proc).look() == []
