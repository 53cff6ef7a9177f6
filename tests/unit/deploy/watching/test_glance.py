"""Looking at a journal that somebody else writes, without any right but to read it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.unit.deploy.watching.records import DEPLOYED, TAKEN_BACK, Host, deploy_id, record
from vawsum_agent.core.durable import write_durably
from vawsum_agent.core.errors import DeployError
from vawsum_agent.deploy.glance import Glance
from vawsum_agent.deploy.machine import End, Step

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """An application that was never deployed."""
    return Host(tmp_path / "web")


def test_down_to_the_last_that_was_deployed(host: Host) -> None:
    """What came before it is not even read: however long the history is, a look stays short."""
    glance = Glance(host.folder, host.copies)
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
    glance = Glance(host.folder, host.copies)
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
    Glance(host.folder, host.copies).look()
    assert picture() == before


def test_what_is_no_record_is_told(host: Host) -> None:
    """Of a newer agent perhaps: nobody then knows whether it ended."""
    host.write(record(*DEPLOYED, end=End.DEPLOYED))
    glance = Glance(host.folder, host.copies)
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
        Glance(host.folder, host.copies).look()


def test_copies_show_where_the_journal_does_not(host: Host) -> None:
    """They are read as the journal is, at each change; and the journal again once it shows."""
    glance = Glance(host.folder, host.copies)
    host.write(record(*DEPLOYED, number=1, end=End.DEPLOYED))
    assert len(glance.look()) == 1
    host.hide()
    write_durably(host.copies / f"{deploy_id(2)}.json", msgspec.json.encode(record(number=2)))
    assert [found.deploy_id for found in glance.look()] == [deploy_id(2), deploy_id(1)]
    write_durably(host.copies / f"{deploy_id(2)}.json", msgspec.json.encode(record(number=2, end=End.TAKEN_BACK)))
    assert glance.look()[0].end == End.TAKEN_BACK
    host.write(record(*DEPLOYED, number=3, end=End.DEPLOYED))
    assert [found.deploy_id for found in glance.look()] == [deploy_id(3)]


def test_copies_of_others_are_not_believed(host: Host) -> None:
    """Nobody but root tells what was deployed, also not through a link to a folder of root's."""
    host.write(record(*DEPLOYED, end=End.DEPLOYED))
    host.hide()
    host.copies.chmod(0o777)
    with pytest.raises(DeployError, match="can be written by everybody"):
        Glance(host.folder, host.copies).look()
    host.copies.chmod(0o755)
    (host.copies.parent / "link").symlink_to(host.copies)
    with pytest.raises(DeployError, match="symbolic link"):
        Glance(host.folder, host.copies.parent / "link").look()
