"""What a deploying process does under the lock: nothing that was left is forgotten, and nothing is done unasked."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from vawsum_agent.core.clock import SystemClock
from vawsum_agent.core.errors import AccessDenied, DeployError
from vawsum_agent.deploy.fleet_release import is_served
from vawsum_agent.deploy.journal import Journal
from vawsum_agent.deploy.layout import AppFolder
from vawsum_agent.deploy.machine import FORWARD, End, Step
from vawsum_agent.deploy.order import Order
from vawsum_agent.deploy.record import Line, Record
from vawsum_agent.deploy.work import Deeds, NothingToDo, Work

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LEFT, ASKED = "20261129T080000Z-0011aabb", "20261129T090000Z-0011aabb"
RELEASE = "20261129T080000Z-2222222"
OLDER = "20261128T080000Z-1111111"


class Host:
    """Two applications, whose steps only tell that they ran."""

    def __init__(self, folder: Path) -> None:
        self.apps = {name: AppFolder(folder / name) for name in ("api", "web")}
        self.journals = {name: Journal(app, SystemClock()) for name, app in self.apps.items()}
        for journal in self.journals.values():
            journal.prepare()
        self.ran: list[tuple[str, Step]] = []
        self.told: list[str] = []
        self.does: dict[Step, Callable[[], str]] = {}
        self.has_no_credentials: set[str] = set()
        self.telling: Callable[[], object] = list
        self.copies: Path | None = None

    def work(self) -> Work:
        """What the next process does."""
        return Work(self.apps, self._build, self, SystemClock(), instance_id="i-1", pid=1, copies=self.copies)

    def deploy(self, app: str = "web") -> Record:
        """Ask for one."""
        return self.work().deploy(Order(deploy_id=ASKED, app=app, kind="start", release=RELEASE))

    def roll_back(self, release: str = "") -> Record:
        """Ask for that."""
        return self.work().deploy(Order(deploy_id=ASKED, app="web", kind="rollback", release=release))

    def serves(self, release: str) -> None:
        """Let `current` point there, and have been healthy."""
        app = self.apps["web"]
        app.current.unlink(missing_ok=True)
        app.current.symlink_to(app.target(release))
        record = Record(deploy_id=f"{release[:16]}-00000000", app="web", kind="start", release=release, began_at=0.0)
        self.journals["web"].close(record, End.DEPLOYED)

    def leave(self, name: str = "web", *, app: str = "", end: End | None = None, step: Step = Step.DRAIN) -> None:
        """Let a deploy be cut off."""
        record = Record(deploy_id=LEFT, app=app or name, kind="start", release="r", began_at=0.0, end=end)
        for each in FORWARD[: FORWARD.index(step) + 1]:
            record.lines += [Line(step=each, phase=phase, at=0.0) for phase in ("begun", "done")]
        self.journals[name].write(record)

    def found(self, name: str = "web", deploy_id: str = LEFT) -> Record:
        """What the journal has of it."""
        record = self.journals[name].read(deploy_id)
        assert record is not None
        return record

    def began(self, record: Record) -> None:
        """See `Marks`."""
        self.told.append(f"{record.deploy_id} began")

    def ended(self, record: Record) -> None:
        """See `Marks`."""
        self.telling()
        self.told.append(f"{record.deploy_id} {record.end}")

    def _build(self, record: Record, say: Callable[[str], None]) -> Deeds:
        del say
        if record.app in self.has_no_credentials:
            raise AccessDenied("no credentials")
        assert record.app in self.apps
        return Deeds({step: self._step(record.app, step) for step in Step}, str)

    def _step(self, app: str, step: Step) -> Callable[[], str]:
        def do() -> str:
            self.ran.append((app, step))
            return self.does.get(step, str)()

        return do


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """One on which nothing was deployed."""
    return Host(tmp_path)


def test_what_did_not_begin_is_not_done_later(host: Host) -> None:
    """Refused for want of credentials, it is no deploy that the next start would carry out, asked by nobody."""
    host.has_no_credentials = {"web"}
    with pytest.raises(AccessDenied):
        host.deploy()
    host.has_no_credentials = set()
    assert host.work().recover() == []
    assert host.ran == []


def test_it_had_ended_already(host: Host) -> None:
    """Killed while it told others of its end, it tells them once more, and does nothing else."""
    first = host.deploy()
    steps = len(host.ran)
    again = host.deploy()
    assert again == first
    assert (len(host.ran), host.told[-1]) == (steps, f"{ASKED} deployed")


def test_the_daemon_sees_copies(host: Host, tmp_path: Path) -> None:
    """Of what was left, of every application, and of each note; also of an end whose process died before the copy."""

    def shown(app: str) -> dict[str, bytes]:
        found = (tmp_path / "copies" / app).glob("*.json")
        return {path.name: path.read_bytes() for path in found}

    host.leave("api", end=End.DEPLOYED)
    host.copies = tmp_path / "copies"
    host.deploy()
    for name, journal in host.journals.items():
        assert shown(name) == {path.name: path.read_bytes() for path in journal.folder.glob("*.json")}
    (tmp_path / "copies/web" / f"{ASKED}.json").write_text("of before its end")
    assert host.deploy().end == End.DEPLOYED
    assert shown("web") == {f"{ASKED}.json": (host.journals["web"].folder / f"{ASKED}.json").read_bytes()}


def test_an_application_that_was_renamed(host: Host) -> None:
    """What was left of it is taken back under its new name: the folder says whose it is."""
    host.leave(app="shop")
    (record,) = host.work().recover()
    assert (record.app, record.end) == ("web", End.TAKEN_BACK)
    assert ("web", Step.RETURN_BACK) in host.ran


def test_one_that_nobody_can_read(host: Host) -> None:
    """It keeps no host drained: what can be read is taken back, and then it is told."""
    host.leave()
    damaged = [(host.journals[name].folder / f"{ASKED}.json") for name in host.journals]
    for path in damaged:
        path.write_text("{}")
    with pytest.raises(DeployError, match="no record of a deploy"):
        host.work().recover()
    assert host.found().end == End.TAKEN_BACK
    host.ran.clear()
    with pytest.raises(DeployError, match="no record of a deploy"):
        host.deploy("api")
    assert host.ran == []


def test_one_that_can_not_be_taken_back_now(host: Host) -> None:
    """The others are, first; and then it is told."""
    host.leave("api")
    host.leave("web")
    host.has_no_credentials = {"api"}
    with pytest.raises(AccessDenied):
        host.work().recover()
    assert (host.found("api").end, host.found("web").end) == (None, End.TAKEN_BACK)


def test_going_on_needs_no_reserve(host: Host) -> None:
    """On a disk that is full by now, a deploy that had begun is taken back; another one is refused before it begins."""
    host.leave()
    for app in host.apps.values():
        (app.journal / f".reserve.{os.getpid()}.tmp").mkdir()  # nothing can be written there
    with pytest.raises(DeployError, match="no room for the journal"):
        host.deploy()
    assert host.found().end == End.TAKEN_BACK
    assert host.journals["web"].read(ASKED) is None


def test_whoever_waits_is_told_what_comes_first(host: Host) -> None:
    """Taking back what was left may take minutes: the one who asked for a deploy sees why."""
    host.leave("api")
    assert host.deploy().end == End.DEPLOYED
    said = host.journals["web"].log_path(ASKED).read_text()
    assert said.startswith(f"first, {LEFT} of api has to be ended")
    assert "return back …" in said


def test_a_stuck_one_is_never_forgotten(host: Host) -> None:
    """Also where a clock was set back, so that it looks older than one that ended well."""
    host.leave(end=End.STUCK, step=Step.DRAIN)
    host.journals["web"].close(
        Record(deploy_id=ASKED, app="web", kind="start", release="r", began_at=0.0), End.DEPLOYED
    )
    (record,) = host.work().recover()
    assert (record.deploy_id, record.end) == (LEFT, End.TAKEN_BACK)


def test_whether_the_fleets_release_is_served(host: Host) -> None:
    """Not where a deploy of it was cut off: it may be switched to, and neither proven nor in service."""
    app, journal = host.apps["web"], host.journals["web"]
    app.current.symlink_to(app.target(RELEASE))
    assert is_served(app, journal, RELEASE)
    host.leave(step=Step.SWITCH)
    assert not is_served(app, journal, RELEASE)
    host.leave(end=End.TAKEN_BACK)
    assert is_served(app, journal, RELEASE)
    assert not is_served(app, journal, "20261129T080000Z-3333333")


def test_a_rollback_of_what_was_cut_off(host: Host) -> None:
    """To take that back was the rollback: it goes no further, also when it is killed in between and started again."""
    for release in (OLDER, RELEASE):
        host.serves(release)
    host.leave()
    for _ in range(2):
        with pytest.raises(NothingToDo, match=f"web serves {RELEASE}: deploy {LEFT} of r is taken back") as raised:
            host.roll_back(RELEASE)
        assert raised.value.exit_code == 0
        assert host.journals["web"].read(ASKED) is None


def test_a_rollback_of_what_was_finished_first(host: Host) -> None:
    """What was proven and on its way into service is finished; and then it is rolled back to what was asked for."""
    host.serves(OLDER)
    host.leave(step=Step.RETURN)

    def is_served() -> str:
        host.serves(RELEASE)
        return ""

    host.does[Step.KEEP] = is_served
    assert host.roll_back(OLDER).release == OLDER
    assert (host.found().end, host.found(deploy_id=ASKED).end) == (End.DEPLOYED, End.DEPLOYED)


def test_a_rollback_chooses_when_all_is_ended(host: Host) -> None:
    """Unasked for which, it goes to the last healthy one before what is served by then, or is refused."""
    host.serves(OLDER)
    with pytest.raises(DeployError, match="no older release"):
        host.roll_back()
    host.serves(RELEASE)
    host.leave("api")
    assert host.roll_back().release == OLDER
    assert host.found("api").end == End.TAKEN_BACK


def test_a_rollback_to_what_never_served(host: Host) -> None:
    """What was left is ended all the same."""
    host.serves(RELEASE)
    host.leave()
    with pytest.raises(DeployError, match="never served healthy"):
        host.roll_back(OLDER)
    assert host.found().end == End.TAKEN_BACK


def test_asked_to_stop_while_another_is_taken_back(host: Host) -> None:
    """That one is taken back to its end, and the one that was asked for does not begin."""
    host.leave("api")
    host.leave("web")

    def asked() -> str:
        os.kill(os.getpid(), signal.SIGTERM)
        return ""

    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        host.does[Step.RETURN_BACK] = asked
        with pytest.raises(DeployError, match="asked to stop by SIGTERM"):
            host.deploy()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert (host.found("api").end, host.found("web").end) == (End.TAKEN_BACK, End.TAKEN_BACK)
    assert host.journals["web"].read(ASKED) is None


def test_asked_to_stop_while_others_are_told(host: Host) -> None:
    """Between the end of a deploy and the end of its process it is no reason to tell nobody."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        host.telling = lambda: os.kill(os.getpid(), signal.SIGTERM)
        assert host.deploy().end == End.DEPLOYED
    finally:
        signal.signal(signal.SIGTERM, before)
    assert host.told[-1] == f"{ASKED} deployed"
