"""The real daemon backs up by its schedule, and no job of it is left behind, however it ends."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from sandbox.servers.mariadb import MariaDb
from sandbox.servers.process import ServerError, open_directory
from tests.integration.alerts.incidents import TOPIC, labels
from tests.integration.backup.daemons import SCHOOL, SERVER, BackupAgent, dump_clients, is_there, locked_table
from tests.integration.backup.vaults import BUCKET

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sandbox import Sandbox

DAILY, DAY_S = "0 0 * * *", 86_400.0

pytestmark = pytest.mark.timeout(400)


@pytest.fixture(scope="module")
def server() -> Iterator[MariaDb]:
    """Run a MariaDB with a small school."""
    with open_directory("vawsum-backup-") as folder:
        server = MariaDb(folder / "one", options=["server_id = 1", "log_bin = binlog"])
        try:
            server.start()
        except (ServerError, FileNotFoundError) as error:
            pytest.skip(f"no MariaDB: {error}")
        server.execute(SCHOOL)
        yield server
        server.stop()


@pytest.fixture
def origin(server: MariaDb) -> MariaDb:
    """Whose backups these are."""
    return server


@pytest.fixture
def agent(tmp_path: Path, sandbox: Sandbox, server: MariaDb) -> Iterator[BackupAgent]:
    """The daemon, configured by the test and not started; gone when the test ends."""
    agent = BackupAgent(tmp_path / "agent", sandbox, server)
    yield agent
    agent.kill()


def manifests(sandbox: Sandbox) -> list[str]:
    """The keys of the backups that exist."""
    keys = [each.key for each in sandbox.objects(BUCKET, f"mysql/{SERVER}/")]
    return [key for key in keys if key.endswith("/manifest.json")]


def test_the_schedule_fires(agent: BackupAgent, sandbox: Sandbox) -> None:
    """A new host waits for its first slot, and then makes the backup of that minute: once, proven, and told."""
    agent.configure(known_for_s=0.0)
    agent.start()
    agent.wait_until(lambda: agent.detail("is_known"), "S3 has been asked")
    agent.wait_until(lambda: manifests(sandbox), "the first slot's backup", 150)
    agent.wait_until(lambda: agent.detail("last_backup"), "it is told")
    agent.wait_until(lambda: agent.detail("last_backup")["is_verified"], "it was read back")
    assert agent.backup()["state"] == "running"
    assert agent.detail("last_backup")["server"] == SERVER
    slots = [outcome.slot for outcome in agent.journal.outcomes()]
    assert len(slots) == len(set(slots)) >= 1
    code, text = agent.command("status")
    assert code == 0
    assert "read back whole" in text
    assert sandbox.uploads(BUCKET) == []
    assert agent.stop() == 0


def test_downtime_is_caught_up_with(agent: BackupAgent, sandbox: Sandbox) -> None:
    """A host that was off for many slots makes one backup when it is back, for the latest of them."""
    agent.configure(DAILY, known_for_s=DAY_S)
    agent.start()
    agent.wait_until(agent.journal.outcomes, "it is caught up with")
    (outcome,) = agent.journal.outcomes()
    assert outcome.is_ok
    assert outcome.slot is not None
    assert outcome.slot % 86_400 == 0
    assert len(manifests(sandbox)) == 1
    agent.stop()
    agent.start()
    agent.wait_until(lambda: agent.detail("last_backup"), "the next daemon knows it")
    assert len(agent.journal.outcomes()) == 1


def test_a_failure_is_told_and_made_good(agent: BackupAgent) -> None:
    """What a job says last is what `status` says, with its remedy; the next slot's backup makes it good."""
    agent.option_file.chmod(0o644)
    agent.configure()
    agent.start()
    agent.wait_until(lambda: agent.backup().get("state") == "degraded", "the failure shows")
    assert "is open to others" in agent.backup()["last_error"]
    assert "chmod 600" in agent.backup()["hint"]
    agent.option_file.chmod(0o600)
    agent.wait_until(lambda: agent.backup()["state"] == "running" and agent.detail("last_backup"), "made good", 150)


def test_a_stop_ends_the_job(agent: BackupAgent, sandbox: Sandbox, server: MariaDb) -> None:
    """The daemon takes its job along, with the dump program; the next start runs it again, and nobody is alarmed."""
    agent.configure(DAILY, known_for_s=DAY_S)
    with locked_table(server, "school.pupils"):
        agent.start()
        pid = agent.wait_for_job()
        assert agent.stop() == 0
        agent.wait_until(lambda: not is_there(pid), "the job is gone")
        agent.wait_until(lambda: not dump_clients(agent.option_file), "the dump program is gone")
        assert manifests(sandbox) == []
        assert sandbox.uploads(BUCKET) == []
        agent.start()
        again = agent.wait_for_job()
        assert again != pid
        assert agent.backup()["state"] == "running"
    agent.wait_until(lambda: agent.detail("last_backup"), "it is made")
    assert len(manifests(sandbox)) == 1
    assert agent.backup()["last_error"] is None


def test_a_killed_daemon_leaves_nothing(agent: BackupAgent, sandbox: Sandbox, server: MariaDb) -> None:
    """`kill -9` of the daemon ends its job; the next start runs it again: no upload is left, no lease in the way."""
    agent.configure(DAILY, known_for_s=DAY_S)
    with locked_table(server, "school.pupils"):
        agent.start()
        pid = agent.wait_for_job()
        agent.kill()
        agent.wait_until(lambda: not is_there(pid), "the job is gone")
        agent.wait_until(lambda: not dump_clients(agent.option_file), "the dump program is gone")
        agent.start()
        agent.wait_for_job()
    agent.wait_until(lambda: agent.detail("last_backup"), "it is made", 200)
    assert len(manifests(sandbox)) == 1
    agent.wait_until(lambda: sandbox.uploads(BUCKET) == [], "no upload is left")
    assert agent.backup()["last_error"] is None


def test_a_killed_job_is_told(agent: BackupAgent, sandbox: Sandbox, server: MariaDb) -> None:
    """A job that is killed, for its memory say, is a failed backup with words; what it had begun to upload goes."""
    agent.configure(DAILY, known_for_s=DAY_S)
    with locked_table(server, "school.pupils"):
        agent.start()
        pid = agent.wait_for_job()
        os.kill(pid, signal.SIGKILL)
        agent.wait_until(lambda: agent.backup().get("state") == "degraded", "it shows")
        agent.wait_until(lambda: not dump_clients(agent.option_file), "the dump program is gone")
    assert "signal 9, while dumping" in agent.backup()["last_error"]
    agent.wait_until(lambda: agent.detail("next_try_at"), "it is tried again")
    agent.wait_until(lambda: sandbox.uploads(BUCKET) == [], "no upload is left")


@pytest.mark.soak
@pytest.mark.timeout(700)
def test_a_failure_is_notified(agent: BackupAgent, sandbox: Sandbox) -> None:
    """People are told of a backup that failed, in its own words, and when there is one again."""
    agent.option_file.chmod(0o644)
    agent.configure(further=f'[notify]\nsns_topic_arn = "{TOPIC}"')
    agent.start()
    agent.wait_until(lambda: labels(sandbox) == ["DEGRADED"], "an alert", 200)
    message = sandbox.notifications()[0].message
    assert "is open to others" in message
    assert "chmod 600" in message
    agent.option_file.chmod(0o600)
    agent.wait_until(lambda: labels(sandbox) == ["DEGRADED", "RECOVERED"], "a recovery", 300)
