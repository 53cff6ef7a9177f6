"""Doctor on one host: what would make a deploy fail, and that looking changes nothing."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from tests.unit.deploy.watching.records import DEPLOYED, EPOCH, NEW, OLD, STUCK, Host, record
from vawsum_agent.config.model import LogsConfig, LogSource
from vawsum_agent.config.model.deploy import DeployGuard
from vawsum_agent.core.errors import NotRunningError
from vawsum_agent.core.finding import Finding, Severity
from vawsum_agent.core.traffic import Counted, Traffic
from vawsum_agent.deploy.doctor.guard import guard
from vawsum_agent.deploy.doctor.place import place
from vawsum_agent.deploy.doctor.reload import commands
from vawsum_agent.deploy.doctor.serving import health, proof
from vawsum_agent.deploy.machine import End
from vawsum_agent.deploy.prove.ask import Question, Reply

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from vawsum_agent.deploy.prove.ask import Ask

PROBLEM, WARNING, OK = Severity.PROBLEM, Severity.WARNING, Severity.OK


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """An application that serves its first release."""
    host = Host(tmp_path / "web")
    for folder in (host.folder.release(OLD), host.journal):
        folder.mkdir(parents=True)
    host.folder.current.symlink_to(f"releases/{OLD}")
    return host


def bad(findings: Iterable[Finding]) -> list[Finding]:
    """What is not well; all of it has a remedy."""
    found = [finding for finding in findings if finding.severity is not OK]
    assert all(finding.remedy for finding in found)
    return found


def one(findings: Iterable[Finding]) -> tuple[Severity, str]:
    """The only one that is not well."""
    (finding,) = bad(findings)
    return finding.severity, finding.what


def test_a_host_that_is_well(host: Host) -> None:
    """Nothing is wrong with it, and nothing is made."""
    host.write(record(*DEPLOYED, end=End.DEPLOYED))
    before = sorted(host.folder.path.rglob("*"))
    found = list(place(host.app, EPOCH))
    assert bad(found) == []
    assert f"points to {OLD}" in [finding.what for finding in found]
    assert sorted(host.folder.path.rglob("*")) == before


def test_a_host_that_is_new(tmp_path: Path) -> None:
    """What the first deploy makes does not count as missing."""
    new = Host(tmp_path / "to" / "come")
    assert bad(place(new.app, EPOCH)) == []
    assert not (tmp_path / "to").exists()
    new.folder.path.mkdir(parents=True)
    assert bad(place(new.app, EPOCH)) == []


@pytest.mark.parametrize("folder", ["", "releases", ".vawsum", ".vawsum/deploys"])
def test_what_others_may_write_to(host: Host, folder: str) -> None:
    """Whoever may replace a folder that root works in decides what root writes to."""
    (host.folder.path / folder).chmod(0o777)
    (found,) = bad(place(host.app, EPOCH))
    assert found.severity is PROBLEM
    assert "can be written by everybody: every deploy is refused" in found.what
    assert f"chmod go-w {host.folder.path / folder}" in found.remedy


def test_what_current_is(host: Host) -> None:
    """A folder in its place, and a release that is gone, are problems; a link to something else is as it was meant."""
    host.folder.release(OLD).rmdir()
    assert one(place(host.app, EPOCH)) == (PROBLEM, f"points to {OLD}, which is not there")
    host.folder.current.unlink()
    host.folder.current.symlink_to("before")
    assert bad(place(host.app, EPOCH)) == []
    host.folder.current.unlink()
    host.folder.current.mkdir()
    severity, what = one(place(host.app, EPOCH))
    assert (severity, "is a folder, and no link" in what) == (PROBLEM, True)


def test_what_the_journal_tells(host: Host) -> None:
    """A deploy that is stuck, or was cut off, or a record that nobody understands."""
    host.write(record(*STUCK, end=End.STUCK))
    assert "is STUCK" in one(place(host.app, EPOCH))[1]
    host.write(record(number=2))
    assert "was cut off before its first step" in one(place(host.app, EPOCH + 1000))[1]
    host.write(record(*DEPLOYED, number=3, end=End.DEPLOYED))
    assert bad(place(host.app, EPOCH)) == []
    (host.journal / "20270101T000000Z-0011aabb.json").write_text("{}")
    assert "is no record of a deploy" in one(place(host.app, EPOCH))[1]


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("systemctl reload php8.2-fpm", ""),
        ("true and its words", ""),
        ("no-such-program reload", "no-such-program is not there"),
        ("/etc/passwd", "/etc/passwd is not there, or can't be run"),
        ("'", "' is no command: No closing quotation"),
        ("''", " is not there"),
        (" ", "a command is empty"),
        ("systemctl --no-block reload php7.0-fpm", "there is no unit php7.0-fpm"),
    ],
)
def test_reload(host: Host, command: str, words: str) -> None:
    """Programs that are not there, units that systemd does not know, and what no shell would take."""
    found = bad(commands(replace(host.app, reload=["true", command]), lambda unit: unit != "php7.0-fpm"))
    if command.startswith("systemctl") and found and "systemctl is not there" in found[0].what:
        pytest.skip("no systemctl here")
    assert [finding.severity for finding in found] == [PROBLEM] * bool(words)
    assert words in "".join(finding.what for finding in found)


def test_nothing_to_reload(host: Host) -> None:
    """Allowed, and hardly meant."""
    assert one(commands(replace(host.app, reload=[])))[0] is WARNING


def answers(status: int, body: bytes = b"", failure: str = "") -> Ask:
    """A server."""

    def ask(question: Question, limit_s: float) -> Reply:
        assert question.host == "app.example.com"
        assert limit_s
        return Reply(status, body, failure)

    return ask


def test_health(host: Host) -> None:
    """One request, as a deploy asks; where no release is yet, nobody expects an answer."""
    app = replace(host.app, health_host="app.example.com")
    assert bad(health(app, answers(204))) == []
    for reply, words in {answers(404): "virtual host", answers(301): "redirects", answers(500): "log"}.items():
        (found,) = bad(health(app, reply))
        assert (found.severity, words in found.remedy) == (PROBLEM, True)
    assert one(health(app, answers(0, failure="refused the connection")))[0] is PROBLEM
    assert one(health(replace(app, health_url="http://10.0.0.7/"), answers(200)))[0] is WARNING
    host.folder.current.unlink()
    assert one(health(app, answers(500)))[0] is WARNING


def test_proof(host: Host) -> None:
    """What PHP says it serves is what current points to."""
    assert one(proof(host.app))[0] is WARNING
    app = replace(host.app, health_host="app.example.com", proof_url="http://127.0.0.1/.vawsum/release")
    path = os.path.realpath(host.folder.release(OLD) / "public")
    body = f'{{"path": "{path}", "pid": 7}}'.encode()
    assert bad(proof(app, answers(200, body))) == []
    severity, what = one(proof(app, answers(200, body.replace(OLD.encode(), NEW.encode()))))
    assert (severity, what) == (PROBLEM, f"PHP serves {NEW}, while current points to {OLD}")
    assert "another page" in one(proof(app, answers(200, b"<html>")))[1]
    assert one(proof(app, answers(403)))[0] is PROBLEM


class Daemon:
    """Counts up to a moment, or does not run."""

    def __init__(self, counted_until: float | None, *, is_running: bool = True) -> None:
        self.counted_until = counted_until
        self.is_running = is_running

    def ask(self, from_at: float, until_at: float) -> Counted:
        """See `TrafficSource.ask`."""
        if not self.is_running:
            raise NotRunningError("no daemon answers", hint="start it")
        return Counted(
            daemon="d",
            since=EPOCH - 1000,
            counted_until=self.counted_until,
            delay_s=3.0,
            from_at=from_at,
            until_at=until_at,
            traffic=Traffic(),
        )


def test_guard(host: Host, tmp_path: Path) -> None:
    """Unguarded is a warning, unless a guard is required; and each reason has its own words."""
    log = tmp_path / "access.log"
    source = LogSource(name="a", paths=[f"{tmp_path}/*.log"], format="apache-access", log_group="/a")
    logs, app = LogsConfig(source=[source]), replace(host.app, guard=DeployGuard())
    required = replace(app, guard=DeployGuard(required=True))
    well = Daemon(EPOCH)
    assert "nobody watches" in one(guard(host.app, logs, well, EPOCH))[1]
    assert "reads no access log" in one(guard(app, None, well, EPOCH))[1]
    assert "no access log is there" in one(guard(app, logs, well, EPOCH))[1]
    log.touch()
    assert bad(guard(app, logs, well, EPOCH)) == []
    assert one(guard(app, logs, Daemon(EPOCH, is_running=False), EPOCH))[0] is WARNING
    assert one(guard(required, logs, Daemon(EPOCH, is_running=False), EPOCH))[0] is PROBLEM
    assert "counts no requests" in one(guard(required, logs, Daemon(None), EPOCH))[1]
    assert "behind in the access logs" in one(guard(required, logs, Daemon(EPOCH - 100), EPOCH))[1]
